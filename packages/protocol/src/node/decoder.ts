/**
 * Takes a ForwardRequest apart: what the generated code does, without an object per run. Requests stay where they
 * are in the message.
 *
 *     ForwardRequest  | 28 writes | 0a length | Run | 0a length | Run | ... | closed | unblocked | audiences |
 */
// @hot-path
import { byteStringOf, emptyBytes } from '@holdfast/common';
import { node, requestTags, runTags, unblockTags, WireReader, wireTypes } from '@holdfast/rpc';

/** What `next` found. */
export const found = { end: 0, run: 1, closed: 2, unblock: 3, audience: 4, paused: 5, resumed: 6 } as const;

/** What sessions are listed for, by the numbers of fields; each one by itself, or in one piece. */
const lists: readonly number[] = [0, 0, found.closed, 0, 0, 0, found.paused, found.resumed];
const { varint: single, bytes: packed } = wireTypes;

/** About how many writes a message has; 0 where it does not say so in front. */
export function writesIn(message: Buffer): number {
  if (message.length === 0 || message[0] !== requestTags.writes) return 0;
  let writes = 0;
  for (let at = 1, shift = 0; at < message.length && shift < 28; at++, shift += 7) {
    writes |= (message[at] & 0x7f) << shift;
    if (message[at] < 0x80) break;
  }
  return writes;
}

export class ForwardDecoder {
  bytes: Buffer = emptyBytes;
  /** Of the message: see `RunView.arrival`. */
  arrival = 0;
  /** Of the run. */
  id = 0;
  session = 0;
  /** Empty unless the run opens its session. */
  shard = '';
  /** The requests: `bytes[start, end)`. */
  start = 0;
  end = 0;
  database = 0;
  dialect: 2 | 3 = 2;
  /** One of `node.ReadMode`. */
  readMode = 0;
  isTransaction = false;
  wantsVersion = false;
  permissions = '';
  noTouch = false;
  waitedMs = 0;
  /** See `RunView.tracking`. */
  tracking = 0;
  withError = false;
  audience: node.Audience = node.Audience.create();
  readonly #reader = new WireReader();
  #at = 0;
  #messageEnd = 0;
  /** A list of sessions that is being read: what for, and its end. */
  #list = 0;
  #listEnd = 0;

  /** Reads `message`, which must stay as it is until it is read to its end. */
  open(message: Buffer, arrival: number): void {
    this.bytes = message;
    this.arrival = arrival;
    this.#at = 0;
    this.#listEnd = 0;
    this.#messageEnd = message.length;
  }

  /** Goes on to what comes next: one of `found`. Throws KvError CORRUPT for what is no message. */
  next(): number {
    const reader = this.#reader;
    reader.open(this.bytes, this.#at, this.#messageEnd);
    if (this.#at < this.#listEnd) return this.#listed(this.#list);
    while (reader.at < this.#messageEnd) {
      const tag = reader.varint();
      if (tag === requestTags.runs) {
        this.#run(reader.length() + reader.at);
        return found.run;
      }
      const list = lists[tag >>> 3] ?? 0;
      if (list !== 0 && (tag & 7) === single) return this.#listed(list);
      if (list !== 0 && (tag & 7) === packed) {
        this.#list = list;
        this.#listEnd = reader.length() + reader.at;
        if (reader.at < this.#listEnd) return this.#listed(list);
      } else if (tag === requestTags.unblocked) {
        this.#unblock(reader.length() + reader.at);
        return found.unblock;
      } else if (tag === requestTags.audiences) {
        const end = reader.length() + reader.at;
        this.audience = node.Audience.decode(this.bytes.subarray(reader.at, end));
        this.#at = end;
        return found.audience;
      } else {
        reader.skip(tag);
      }
    }
    this.bytes = emptyBytes;
    this.#messageEnd = 0;
    this.#at = 0;
    return found.end;
  }

  #listed(list: number): number {
    this.session = this.#reader.varint();
    this.#at = this.#reader.at;
    return list;
  }

  #run(end: number): void {
    const reader = this.#reader;
    reader.end = end;
    this.#at = end;
    this.id = 0;
    this.session = 0;
    this.shard = '';
    this.start = end;
    this.end = end;
    this.database = 0;
    this.dialect = 2;
    this.readMode = 0;
    this.isTransaction = false;
    this.wantsVersion = false;
    this.permissions = '';
    this.noTouch = false;
    this.waitedMs = 0;
    this.tracking = 0;
    while (reader.at < end) {
      const tag = reader.varint();
      switch (tag) {
        case runTags.id:
          this.id = reader.varint();
          break;
        case runTags.session:
          this.session = reader.varint();
          break;
        case runTags.shard: {
          const length = reader.length();
          this.shard = byteStringOf(this.bytes, reader.at, length);
          reader.at += length;
          break;
        }
        case runTags.requests: {
          const length = reader.length();
          this.start = reader.at;
          reader.at += length;
          this.end = reader.at;
          break;
        }
        case runTags.database:
          this.database = reader.varint();
          break;
        case runTags.dialect:
          this.dialect = reader.varint() === 3 ? 3 : 2;
          break;
        case runTags.readMode:
          this.readMode = reader.varint();
          break;
        case runTags.transaction:
          this.isTransaction = reader.varint() !== 0;
          break;
        case runTags.wantsVersion:
          this.wantsVersion = reader.varint() !== 0;
          break;
        case runTags.permissions: {
          const length = reader.length();
          this.permissions = byteStringOf(this.bytes, reader.at, length);
          reader.at += length;
          break;
        }
        case runTags.noTouch:
          this.noTouch = reader.varint() !== 0;
          break;
        case runTags.waitedMs:
          this.waitedMs = reader.varint();
          break;
        case runTags.tracking:
          this.tracking = reader.varint();
          break;
        default:
          reader.skip(tag);
      }
    }
  }

  #unblock(end: number): void {
    const reader = this.#reader;
    reader.end = end;
    this.#at = end;
    this.session = 0;
    this.withError = false;
    while (reader.at < end) {
      const tag = reader.varint();
      if (tag === unblockTags.session) this.session = reader.varint();
      else if (tag === unblockTags.withError) this.withError = reader.varint() !== 0;
      else reader.skip(tag);
    }
  }
}
