/**
 * Reads RESP2 and RESP3 replies as they are on the wire, types kept, so that two servers can be compared
 * reply by reply. Strict: what is not RESP throws. Simple rather than fast.
 */

/** One reply. Aggregates have `items` (a map: keys and values in turn), the others `text`. */
export interface WireReply {
  /** The byte that announced it: `+ - : $ * _ # , ( = % ~ >`. */
  readonly type: string;
  /** A byte string; null for the null bulk, the null array and `_`. */
  readonly text: string | null;
  readonly items: readonly WireReply[] | null;
}

/** Thrown inside when the rest of a reply has not arrived. */
const incomplete = Symbol('incomplete');

export class ReplyReader {
  #rest: Buffer = Buffer.alloc(0);
  /** Parts not yet joined with `#rest`. */
  #parts: Buffer[] = [];
  #partsLength = 0;
  /** No reply can be complete before this many bytes are here. */
  #wanted = 0;
  #at = 0;

  /** Takes bytes, which it may keep; returns the replies that are complete now. */
  push(bytes: Buffer): WireReply[] {
    this.#parts.push(bytes);
    this.#partsLength += bytes.length;
    if (this.#rest.length + this.#partsLength < this.#wanted) return [];
    this.#rest =
      this.#rest.length === 0 ? Buffer.concat(this.#parts) : Buffer.concat([this.#rest, ...this.#parts]);
    this.#parts = [];
    this.#partsLength = 0;
    this.#wanted = 0;
    const replies: WireReply[] = [];
    let done = 0;
    try {
      while (done < this.#rest.length) {
        this.#at = done;
        replies.push(this.#read());
        done = this.#at;
      }
    } catch (error) {
      if (error !== incomplete) throw error;
      this.#wanted = Math.max(this.#wanted - done, 0);
    }
    this.#rest = this.#rest.subarray(done);
    return replies;
  }

  /** Bytes of a reply that has only begun. */
  get pendingBytes(): number {
    return this.#rest.length + this.#partsLength;
  }

  #read(): WireReply {
    const line = this.#line();
    const type = line[0];
    const text = line.slice(1);
    switch (type) {
      case '+':
      case '-':
        return { type, text, items: null };
      case ':':
      case '(':
        return { type, text: expectMatch(/^-?\d+$/, line), items: null };
      case ',':
        return {
          type,
          text: expectMatch(/^(-?\d+(\.\d+)?(e[+-]?\d+)?|-?inf|nan)$/i, line),
          items: null,
        };
      case '#':
        return { type, text: expectMatch(/^[tf]$/, line), items: null };
      case '_':
        return { type, text: expectMatch(/^$/, line) === '' ? null : text, items: null };
      case '$':
      case '=':
        return this.#bulk(type, Number(expectMatch(/^(-1|\d+)$/, line)));
      case '*':
      case '~':
      case '>':
      case '%':
        return this.#aggregate(type, Number(expectMatch(/^(-1|\d+)$/, line)));
      default:
        throw new Error(`not RESP: ${JSON.stringify(line)}`);
    }
  }

  #line(): string {
    const end = this.#rest.indexOf('\r\n', this.#at, 'latin1');
    if (end < 0) throw incomplete;
    const line = this.#rest.toString('latin1', this.#at, end);
    this.#at = end + 2;
    return line;
  }

  #bulk(type: string, length: number): WireReply {
    if (length < 0) return { type, text: null, items: null };
    const end = this.#at + length;
    if (end + 2 > this.#rest.length) {
      this.#wanted = end + 2;
      throw incomplete;
    }
    if (this.#rest[end] !== 13 || this.#rest[end + 1] !== 10)
      throw new Error('not RESP: a bulk without its end');
    const text = this.#rest.toString('latin1', this.#at, end);
    this.#at = end + 2;
    return { type, text, items: null };
  }

  #aggregate(type: string, count: number): WireReply {
    if (count < 0) return { type, text: null, items: null };
    const items: WireReply[] = [];
    for (let i = type === '%' ? 2 * count : count; i > 0; i--) items.push(this.#read());
    return { type, text: null, items };
  }
}

function expectMatch(pattern: RegExp, line: string): string {
  if (pattern.test(line.slice(1))) return line.slice(1);
  throw new Error(`not RESP: ${JSON.stringify(line)}`);
}

/** One line that shows a reply with its types: `*[$"a", :1, $null]`. */
export function renderReply({ type, text, items }: WireReply): string {
  if (items !== null) return `${type}[${items.map(renderReply).join(', ')}]`;
  if (text === null) return `${type}null`;
  return type === '$' || type === '=' ? `${type}${JSON.stringify(text)}` : `${type}${text}`;
}
