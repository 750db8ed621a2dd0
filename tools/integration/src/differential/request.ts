/** A request of a random sequence: words of one char per byte, so that it can be shown, kept and cut. */
export type RandomRequest = readonly string[];

/** What one command is called: `SET`, `OBJECT ENCODING`. */
export function nameOf(request: RandomRequest): string {
  const [first = '', second = ''] = called(request);
  const name = first.toUpperCase();
  return containers.has(name) ? `${name} ${second.toUpperCase()}` : name;
}

/** The request itself, or the one that a script makes of its arguments. */
export function called(request: RandomRequest): RandomRequest {
  return request[0] === 'EVAL' && request[1]?.includes('call(unpack(ARGV))') ? request.slice(3) : request;
}

const containers = new Set([
  ...['OBJECT', 'XGROUP', 'XINFO', 'PUBSUB', 'CLIENT', 'CONFIG', 'ACL', 'COMMAND', 'FUNCTION', 'SCRIPT'],
]);

export function bytesOf(request: RandomRequest): Buffer[] {
  return request.map((word) => Buffer.from(word, 'latin1'));
}

/** As they are on the wire, one after the other. */
export function encoded(requests: readonly RandomRequest[]): Buffer {
  let text = '';
  for (const request of requests) {
    text += `*${request.length}\r\n`;
    for (const word of request) text += `$${word.length}\r\n${word}\r\n`;
  }
  return Buffer.from(text, 'latin1');
}

/** As a line of the matrix: `SET k "a \x00 b"`. */
export function lineOf(request: RandomRequest): string {
  return request.map(quoted).join(' ');
}

function quoted(word: string): string {
  const repeated = /^(.)\1{29,}$/s.exec(word);
  if (repeated !== null && /\w/.test(repeated[1])) return `@${word.length}*${repeated[1]}`;
  if (/^[!-~]+$/.test(word) && !/["#?~@%\\]/.test(word)) return word;
  const escaped = word.replace(/["\\]|[^ -~]/g, (char) =>
    char === '"' || char === '\\' ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped}"`;
}

/** Whether a request may wait longer than a moment. */
export function waitsLong(request: RandomRequest): boolean {
  return timeoutsOf(called(request)).some((word) => {
    const timeout = Number(word);
    return timeout === 0 || timeout > 5 || /[x\0]/i.test(word);
  });
}

/** Whether a request gives a key a time to live that ends while the test goes on. */
export function expiresSoon(request: RandomRequest): boolean {
  const words = called(request);
  const isPlain = /^(P?EXPIRE|P?SETEX|RESTORE)$/i.test(words[0] ?? '');
  return words.some((word, i) => {
    const isTime = isPlain ? i === 2 : /^[EP]X$/i.test(words[i - 1] ?? '');
    return isTime && Number(word) > 0 && Number(word) < 100_000;
  });
}

/** Words that may be taken for a timeout; of two that stand in each other's place, both. */
function timeoutsOf(words: RandomRequest): string[] {
  const name = (words[0] ?? '').toUpperCase();
  if (/^B[LZ]MPOP$/.test(name)) return words.slice(1, 2);
  if (/^B(L|R|Z)/.test(name)) return words.slice(-1);
  if (/^XREAD/.test(name)) return words.filter((_, i) => words[i - 1]?.toUpperCase() === 'BLOCK');
  return [];
}
