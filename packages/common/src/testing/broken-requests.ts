/** Ways to fill a Request that are wrong in one way each. The conformance suite must fail every one of them. */
import { copyBytes } from '../bytes.js';
import { Request } from '../request.js';
import type { RequestSource } from './request-conformance.js';

/** Fills one request of a class again and again, as a decoder does. */
export function assigning(request = new Request()): RequestSource {
  return { next: (args) => request.assign(args) };
}

/** As `assigning`, but something happens to the request afterwards. */
function then(change: (request: Request) => void): () => RequestSource {
  return () => {
    const request = new Request();
    return {
      next(args) {
        request.assign(args);
        change(request);
        return request;
      },
    };
  };
}

const of = (make: () => Request) => (): RequestSource => assigning(make());

const sources: Record<string, () => RequestSource> = {
  'loses empty arguments': () => {
    const request = new Request();
    return { next: (args) => request.assign(args.filter(({ length }) => length > 0)) };
  },
  'decodes and encodes': () => {
    const request = new Request();
    return { next: (args) => request.assign(args.map((arg) => Buffer.from(arg).toString('utf8'))) };
  },
  'cuts what is long': then((request) => {
    for (let i = 0; i < request.count; i++) request.offsets[2 * i + 1] &= 0xffff;
  }),
  'counts as it did before': () => {
    const request = new Request();
    return {
      next(args) {
        const before = request.count;
        request.assign(args).count = Math.max(before, args.length);
        return request;
      },
    };
  },
  'has room for 64 arguments': then((request) => {
    request.count = Math.min(request.count, 64);
  }),
  'keeps a line end with the last argument': then((request) => {
    request.bytes = Buffer.concat([request.bytes, Buffer.from('\r\n')]);
    request.offsets[2 * request.count - 1] += 2;
  }),
  'lays arguments out from the end': () => {
    const request = new Request();
    return {
      next(args) {
        request.reserve(args.length);
        request.count = args.length;
        request.bytes = Buffer.concat([...args].reverse());
        let end = request.bytes.length;
        for (const [i, { length }] of args.entries()) {
          end -= length;
          request.offsets[2 * i] = end;
          request.offsets[2 * i + 1] = length;
        }
        return request;
      },
    };
  },
  'points beyond its bytes': then((request) => {
    request.offsets[2 * request.count] = request.bytes.length;
    request.offsets[2 * request.count + 1] = 1;
    request.count++;
  }),
  'copies for a view': of(
    () =>
      new (class extends Request {
        override view(i: number): Uint8Array {
          return super.copy(i);
        }
      })(),
  ),
  'gives a view for a copy': of(
    () =>
      new (class extends Request {
        override copy(i: number): Buffer {
          return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.start(i), this.length(i));
        }
      })(),
  ),
  'gives itself for an owned request': of(
    () =>
      new (class extends Request {
        override toOwned(): Request {
          return this;
        }
      })(),
  ),
  'shares its bytes with an owned request': of(
    () =>
      new (class extends Request {
        override toOwned(): Request {
          const owned = new Request();
          owned.bytes = this.bytes;
          owned.count = this.count;
          owned.offsets = this.offsets.slice();
          return owned;
        }
      })(),
  ),
  'recognizes the beginning of a name': of(
    () =>
      new (class extends Request {
        override is(i: number, token: string): boolean {
          return this.byteString(i).toUpperCase().startsWith(token);
        }
      })(),
  ),
  'takes other characters for letters': of(
    () =>
      new (class extends Request {
        override is(i: number, token: string): boolean {
          if (this.length(i) !== token.length) return false;
          return [...this.view(i)].every((byte, j) => (byte & 0x5f) === (token.charCodeAt(j) & 0x5f));
        }
      })(),
  ),
  'reads numbers as JavaScript does': of(
    () =>
      new (class extends Request {
        override integer(i: number): number {
          return Number(this.byteString(i));
        }
      })(),
  ),
  'reads integers of 32 bits': of(
    () =>
      new (class extends Request {
        override integer(i: number): number {
          return super.integer(i) | 0;
        }
      })(),
  ),
  'reads the beginning of a double': of(
    () =>
      new (class extends Request {
        override double(i: number): number {
          return Number.parseFloat(this.byteString(i));
        }
      })(),
  ),
  'shows a text byte by byte': of(
    () =>
      new (class extends Request {
        override text(i: number): string {
          return this.byteString(i);
        }
      })(),
  ),
  'quotes all there is': of(
    () =>
      new (class extends Request {
        override quoted(i: number): string {
          return this.text(i);
        }
      })(),
  ),
  'forgets the last byte': () => {
    const request = new Request();
    return {
      next(args) {
        request.assign(args);
        const short = Buffer.alloc(request.bytes.length);
        copyBytes(request.bytes, 0, short, 0, request.start(0) + request.span - 1);
        request.bytes = short;
        return request;
      },
    };
  },
};

/** Each with a fresh source on every call of `make`. */
export const brokenRequestSources: readonly { name: string; make(): RequestSource }[] = Object.entries(
  sources,
).map(([name, make]) => ({ name, make }));
