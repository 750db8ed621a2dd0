/**
 * How arguments are documented, as one line:
 *
 *     key:key@0          a name and its type (a string, if there is none), and the key spec that it belongs to
 *     seconds:integer=EX a token before it
 *     addr~"ip:port"     what is shown instead of its name
 *     ASYNC  sorting!ALPHA   a token alone, which is its name in capitals, or not
 *     where(LEFT|RIGHT)  one of these
 *     data(key value)*   a block of these, several times; `*+` with the token each time
 *     [count:integer]    optional
 */
import type { ArgumentDoc } from './argument.js';

export function parseUsage(text: string): ArgumentDoc[] {
  const reader = new UsageReader(text);
  const docs = text === '' ? [] : reader.list(' ');
  reader.end();
  return docs;
}

class UsageReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** One or more, with this between them. */
  list(separator: string): ArgumentDoc[] {
    const docs = [this.#argument()];
    while (this.#take(separator)) docs.push(this.#argument());
    return docs;
  }

  end(): void {
    if (this.#at < this.#text.length) this.#fail();
  }

  #argument(): ArgumentDoc {
    if (!this.#take('[')) return this.#bare([]);
    const doc = this.#bare(['optional']);
    if (!this.#take(']')) this.#fail();
    return doc;
  }

  #bare(flags: readonly string[]): ArgumentDoc {
    const name = this.#word();
    const isToken = /^[A-Z]/.test(name);
    let type = isToken ? 'pure-token' : 'string';
    let token = isToken ? name : undefined;
    const display = this.#take('~') ? this.#shown() : undefined;
    if (this.#take('!')) {
      type = 'pure-token';
      token = this.#take('""') ? '' : this.#word();
    }
    if (this.#take(':')) type = this.#word();
    if (this.#take('=')) token = this.#word();
    const keySpecIndex = this.#take('@') ? Number(this.#word()) : undefined;
    let within: ArgumentDoc[] | undefined;
    if (this.#take('(')) [type, within] = this.#within();
    const more: string[] = [];
    if (this.#take('*')) more.push('multiple');
    if (this.#take('+')) more.push('multiple_token');
    return {
      name: isToken ? name.toLowerCase() : name,
      type,
      ...(display !== undefined && { display }),
      ...(token !== undefined && { token }),
      ...(keySpecIndex !== undefined && { keySpecIndex }),
      flags: [...flags, ...more],
      ...(within && { arguments: within }),
    };
  }

  #within(): [string, ArgumentDoc[]] {
    const first = this.#argument();
    const separator = this.#take('|') ? '|' : this.#take(' ') ? ' ' : '';
    const rest = separator === '' ? [] : this.list(separator);
    if (!this.#take(')')) this.#fail();
    return [separator === '|' ? 'oneof' : 'block', [first, ...rest]];
  }

  /** Any text in quotation marks. */
  #shown(): string {
    const [quoted, shown] = /^"([^"]+)"/.exec(this.#text.slice(this.#at)) ?? this.#fail();
    this.#at += quoted.length;
    return shown;
  }

  #word(): string {
    const [word] = /^[\w$-]+/.exec(this.#text.slice(this.#at)) ?? this.#fail();
    this.#at += word.length;
    return word;
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #fail(): never {
    throw new Error(`a usage is not understood at ${this.#at}: ${this.#text}`);
  }
}
