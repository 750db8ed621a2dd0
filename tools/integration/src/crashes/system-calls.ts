/**
 * Reads what strace writes down: every system call that changes files, with all bytes that it was given.
 *
 *     9879  1795718856.748813 pwrite64(18, "\0\1\377\"xx", 6, 5) = 6
 *     9891  1795718856.753355 fdatasync(18 <unfinished ...>          the calls of other threads come in between
 *     9891  1795718856.754100 <... fdatasync resumed>) = 0
 *
 * Lines are in the order in which the calls began and ended: strace holds a thread at both ends, and handles one thread
 * at a time.
 */
import { spawnSync } from 'node:child_process';

/** A number or name as it stands there, a text as its bytes, a list as the texts in it. */
export type CallArgument = string | Buffer | readonly Buffer[];

export interface SystemCall {
  readonly name: string;
  readonly args: readonly CallArgument[];
  /** When it began, in ms since 1970. */
  readonly timeMs: number;
  /** The line where it began, and the one where it ended: infinity when it never did. */
  readonly begin: number;
  end: number;
  /** What it returned, negative for a failure; NaN when it never did. */
  result: number;
}

/** The calls that change files, or say which file is meant by a number. */
const namesRecorded = [
  ...['open', 'openat', 'creat', 'close', 'dup', 'dup2', 'dup3', 'lseek'],
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'sendfile', 'copy_file_range', 'fallocate'],
  ...['truncate', 'ftruncate', 'fsync', 'fdatasync', 'sync_file_range', 'syncfs', 'sync'],
  ...['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'link', 'linkat', 'mkdir', 'mkdirat'],
];
/** No call of ours writes more at once. */
const callBytesMax = 64 * 1024 * 1024;

/** The command line that goes before a program's own; the process that is started is the program, not strace. */
export function straceOf(record: string): string[] {
  // Without io_uring: what goes through that is no system call.
  const settings = [
    '-D',
    '-f',
    '--seccomp-bpf',
    '-ttt',
    '-s',
    String(callBytesMax),
    '-E',
    'UV_USE_IO_URING=0',
  ];
  return ['strace', ...settings, '-e', 'signal=KILL', '-e', `trace=${namesRecorded.join(',')}`, '-o', record];
}

/** Why no process can be traced here; null when it can. */
export function mayTrace(): string | null {
  const { error, status, stderr } = spawnSync(
    'strace',
    ['-D', '-f', '-o', '/dev/null', process.execPath, '--version'],
    {
      encoding: 'utf8',
    },
  );
  if (error !== undefined) return `strace does not run: ${error.message}`;
  return status === 0 ? null : `strace is not permitted: ${stderr.trim()}`;
}

/** The calls of a record in the order in which they began. */
export function parseCalls(record: Buffer): SystemCall[] {
  const calls: SystemCall[] = [];
  /** By thread: the call that it is in. */
  const unfinished = new Map<string, SystemCall>();
  let line = 0;
  for (let start = 0; start < record.length; line++) {
    const newline = record.indexOf(10, start);
    const end = newline < 0 ? record.length : newline;
    const [head, thread, seconds, what] =
      /^(\d+) +(\d+\.\d+) (\w+\(|<\.\.\. \w+ resumed>)?/.exec(
        record.toString('latin1', start, Math.min(end, start + 80)),
      ) ?? [];
    if (what !== undefined) {
      const reader = new LineReader(record, start + head!.length, end);
      if (what.startsWith('<')) {
        const call = unfinished.get(thread!);
        unfinished.delete(thread!);
        reader.arguments();
        if (call !== undefined) finish(call, reader, line);
      } else {
        const args = reader.arguments();
        const call: SystemCall = {
          name: what.slice(0, -1),
          args,
          timeMs: Number(seconds) * 1000,
          begin: line,
          end: Number.POSITIVE_INFINITY,
          result: Number.NaN,
        };
        calls.push(call);
        if (reader.isUnfinished) unfinished.set(thread!, call);
        else finish(call, reader, line);
      }
    }
    start = end + 1;
  }
  return calls;
}

function finish(call: SystemCall, reader: LineReader, line: number): void {
  const result = /= (-?\d+)/.exec(reader.rest());
  // `= ?`: the process ended meanwhile.
  if (result === null) return;
  call.result = Number(result[1]);
  call.end = line;
}

/** Files of our log are filled with them, a MiB at a time: most of a record. */
const zeros = Buffer.from(String.raw`\0`.repeat(1024 * 1024));
const quote = 34;
const backslash = 92;
const letters: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12, '"': 34, '\\': 92 };

class LineReader {
  readonly #record: Buffer;
  readonly #end: number;
  #at: number;
  isUnfinished = false;

  constructor(record: Buffer, at: number, end: number) {
    this.#record = record;
    this.#at = at;
    this.#end = end;
  }

  /** Up to the closing bracket, or to where the line says that the call goes on. */
  arguments(): CallArgument[] {
    const args: CallArgument[] = [];
    for (;;) {
      const byte = this.#byteNow();
      if (byte === 0 || byte === ')') break;
      if (byte === ',' || byte === ' ') this.#at++;
      else if (byte === '<') {
        this.isUnfinished = true;
        break;
      } else if (byte === '"') args.push(this.#text());
      else if (byte === '[' || byte === '{') args.push(this.#list());
      else args.push(this.#word());
    }
    return args;
  }

  rest(): string {
    return this.#record.toString('latin1', this.#at, this.#end);
  }

  #byteNow(): string | 0 {
    return this.#at < this.#end ? String.fromCharCode(this.#record[this.#at]) : 0;
  }

  #word(): string {
    const start = this.#at;
    while (this.#at < this.#end && !',) '.includes(String.fromCharCode(this.#record[this.#at]))) this.#at++;
    return this.#record.toString('latin1', start, this.#at);
  }

  /** The texts of a list of any depth. */
  #list(): Buffer[] {
    const texts: Buffer[] = [];
    let depth = 0;
    do {
      const byte = this.#byteNow();
      if (byte === 0) break;
      if (byte === '"') {
        texts.push(this.#text());
        continue;
      }
      if (byte === '[' || byte === '{') depth++;
      if (byte === ']' || byte === '}') depth--;
      this.#at++;
    } while (depth > 0);
    return texts;
  }

  #text(): Buffer {
    const start = this.#at + 1;
    const record = this.#record;
    let at = record.indexOf(quote, start);
    const isZero = (at - start) % 2 === 0 && zeros.subarray(0, at - start).equals(record.subarray(start, at));
    if (!isZero) for (at = start; record[at] !== quote; ) at += record[at] === backslash ? 2 : 1;
    this.#at = at + 1;
    if (record.toString('latin1', at + 1, at + 4) === '...')
      throw new Error('strace has left out bytes of a call');
    return isZero ? Buffer.alloc((at - start) / 2) : unescaped(record, start, at);
  }
}

function unescaped(record: Buffer, from: number, to: number): Buffer {
  const bytes = Buffer.allocUnsafe(to - from);
  let length = 0;
  for (let at = from; at < to; ) {
    let byte = record[at++];
    if (byte === backslash) {
      const letter = letters[String.fromCharCode(record[at])];
      if (letter !== undefined) {
        byte = letter;
        at++;
      } else {
        byte = 0;
        for (let digits = 0; digits < 3 && isOctal(record[at]) && at < to; digits++) {
          byte = byte * 8 + record[at++] - 48;
        }
      }
    }
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}

function isOctal(byte: number): boolean {
  return byte >= 48 && byte < 56;
}
