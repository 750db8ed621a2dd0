/**
 * A reply as JavaScript values: for the embedded library, gRPC's Execute, and tests.
 *
 * | reply            | value                                     |
 * |------------------|-------------------------------------------|
 * | status           | `StatusReply`                             |
 * | error            | `ErrorReply`                              |
 * | bulk, verbatim   | `Buffer`, owned by the receiver           |
 * | integer          | number, or bigint beyond 2^53             |
 * | big number       | bigint; a `Buffer` if it is no number     |
 * | double           | `DoubleReply`                             |
 * | array, push      | array                                     |
 * | map              | `MapReply`: pairs in order                |
 * | set              | `SetReply`: members in order              |
 * | null, null array | null                                      |
 */
import { copyBytes } from './bytes.js';
import { utf8Of } from './escaped-text.js';
import { errorLine, Reply } from './reply.js';

const wholeNumber = /^[+-]?\d+$/;
const digitsMax = 100_000;

export class StatusReply {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export class ErrorReply {
  /** The upper-case word that comes first, and the rest. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }

  get code(): string {
    return this.message.split(' ', 1)[0];
  }
}

export class DoubleReply {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export class MapReply {
  readonly entries: [ReplyValue, ReplyValue][] = [];
}

export class SetReply {
  readonly members: ReplyValue[] = [];
}

export type ReplyValue =
  | null
  | boolean
  | number
  | bigint
  | Buffer
  | StatusReply
  | ErrorReply
  | DoubleReply
  | MapReply
  | SetReply
  | ReplyValue[];

interface Frame {
  readonly add: (value: ReplyValue) => void;
  left: number;
}

export class ValueReply extends Reply {
  dialect: 2 | 3;
  #values: ReplyValue[] = [];
  #frames: Frame[] = [];

  constructor(dialect: 2 | 3 = 3) {
    super();
    this.dialect = dialect;
  }

  /** Takes the oldest complete reply; undefined when there is none. */
  take(): ReplyValue | undefined {
    return this.#frames.length > 0 && this.#values.length <= 1 ? undefined : this.#values.shift();
  }

  /** Number of complete replies. */
  get count(): number {
    return this.#values.length - (this.#frames.length > 0 ? 1 : 0);
  }

  simple(text: string): void {
    this.#put(new StatusReply(text));
  }

  ok(): void {
    this.#put(new StatusReply('OK'));
  }

  error(message: string): void {
    this.failed = true;
    this.lastError = message;
    this.#put(new ErrorReply(errorLine(message)));
  }

  integer(n: number): void {
    this.#put(n);
  }

  bigInteger(n: bigint): void {
    this.#put(n);
  }

  double(n: number): void {
    this.#put(new DoubleReply(n));
  }

  bulk(bytes: Uint8Array, start: number, length: number): void {
    const owned = Buffer.allocUnsafeSlow(length);
    copyBytes(bytes, start, owned, 0, length);
    this.#put(owned);
  }

  byteString(value: string): void {
    this.#put(Buffer.from(value, 'latin1'));
  }

  text(value: string): void {
    this.#put(utf8Of(value));
  }

  null(): void {
    this.#put(null);
  }

  nullArray(): void {
    this.#put(null);
  }

  array(count: number): void {
    const items: ReplyValue[] = [];
    this.#put(items);
    this.#open(count, (value) => items.push(value));
  }

  map(count: number): void {
    const map = new MapReply();
    this.#put(map);
    let key: ReplyValue | undefined;
    this.#open(count * 2, (value) => {
      if (key === undefined) {
        key = value;
        return;
      }
      map.entries.push([key, value]);
      key = undefined;
    });
  }

  set(count: number): void {
    const set = new SetReply();
    this.#put(set);
    this.#open(count, (value) => set.members.push(value));
  }

  push(count: number): void {
    this.array(count);
  }

  boolean(value: boolean): void {
    this.#put(value);
  }

  /** A script may call anything a number: what is none, or takes long to be read as one, is a text. */
  bigNumber(digits: string): void {
    if (digits.length <= digitsMax && wholeNumber.test(digits)) this.#put(BigInt(digits));
    else this.text(digits);
  }

  verbatim(_format: string, text: string): void {
    this.text(text);
  }

  #open(count: number, add: (value: ReplyValue) => void): void {
    if (count > 0) this.#frames.push({ add, left: count });
    else this.#closeFull();
  }

  #put(value: ReplyValue): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) {
      this.#values.push(value);
      return;
    }
    frame.add(value);
    frame.left--;
    const isAggregate = Array.isArray(value) || value instanceof MapReply || value instanceof SetReply;
    if (!isAggregate) this.#closeFull();
  }

  #closeFull(): void {
    while (this.#frames.length > 0 && this.#frames.at(-1)!.left === 0) this.#frames.pop();
  }
}
