/**
 * A ForwardRequest that is being filled, kept until all of its runs are answered: they are sent again out of it.
 *
 *     | 28 .... | 0a .... | 08 id | 10 session | 1a shard | ... | 22 .... | *2..GET.. *3..SET.. | 0a .... | next run
 *          |         '-- of the run                        '-- of its requests: both filled in when it is complete
 *          '-- how many writes there are: filled in when the message is
 */
// @hot-path
import { requestTags, runTags, writePaddedVarint, writeVarint } from '@holdfast/rpc';
import { Frames } from './frames.js';
import type { Lane } from './lane.js';
import { messageBytes, messageRequestsMax, messagesPooledMax, requestBytesMax } from './limits.js';
import type { Run } from './run.js';

const lengthBytes = 4;
/** The number of writes, and its tag. */
const headBytes = 4;
/** Upper bound of what surrounds the requests of a run, the name of its shard aside. */
const envelopeBytes = 80;

export class Message extends Frames {
  /** The run that may still grow. */
  open: Run | null = null;
  readonly #pool: Message[];
  /** Runs whose requests lie here and are not all answered. */
  #users = 0;
  /** The stream has copied it. */
  #isWritten = false;
  #runAt = 0;
  #requestsAt = 0;

  /** Goes back to `pool` when nobody needs it any more. */
  constructor(pool: Message[]) {
    super(messageBytes + 8 * 1024, messageRequestsMax);
    this.length = headBytes;
    this.#pool = pool;
  }

  get isEmpty(): boolean {
    return this.length === headBytes;
  }

  get isFull(): boolean {
    return this.length >= messageBytes || this.count >= messageRequestsMax;
  }

  /** Whether so many bytes more are too many for a message. */
  wouldOverflow(bytes: number): boolean {
    return this.length + bytes > requestBytesMax;
  }

  /** The stream has copied it. */
  written(): void {
    this.#isWritten = true;
    if (this.#users === 0) this.#giveBack();
  }

  /** Another run's requests lie here. */
  use(): void {
    this.#users++;
  }

  /** A run needs its requests no more. */
  unuse(): void {
    if (--this.#users === 0 && this.#isWritten) this.#giveBack();
  }

  /** Begins a run; its requests follow by `append`. */
  begin(run: Run, lane: Lane): void {
    this.close();
    const name = lane.isOpened ? '' : lane.route.name;
    const { permissions } = run;
    this.reserve(envelopeBytes + name.length + permissions.length);
    const { bytes } = this;
    let at = this.length;
    this.#runAt = at;
    bytes[at] = requestTags.runs;
    at += 1 + lengthBytes;
    at = field(bytes, at, runTags.id, run.id);
    at = field(bytes, at, runTags.session, lane.number);
    if (name !== '') {
      at = field(bytes, at, runTags.shard, name.length);
      at += bytes.write(name, at, 'latin1');
      lane.isOpened = true;
    }
    if (run.database !== 0) at = field(bytes, at, runTags.database, run.database);
    if (run.dialect !== 2) at = field(bytes, at, runTags.dialect, run.dialect);
    if (run.readMode !== 0) at = field(bytes, at, runTags.readMode, run.readMode);
    if (run.isTransaction) at = field(bytes, at, runTags.transaction, 1);
    if (run.wantsVersion) at = field(bytes, at, runTags.wantsVersion, 1);
    if (run.noTouch) at = field(bytes, at, runTags.noTouch, 1);
    if (run.waitedMs !== 0) at = field(bytes, at, runTags.waitedMs, run.waitedMs);
    if (permissions !== '') {
      at = field(bytes, at, runTags.permissions, permissions.length);
      at += bytes.write(permissions, at, 'latin1');
    }
    if (run.tracking !== 0) at = field(bytes, at, runTags.tracking, run.tracking);
    bytes[at++] = runTags.requests;
    this.#requestsAt = at;
    this.length = at + lengthBytes;
    this.open = run;
    run.holdIn(this, this.count, this.length);
  }

  /** No request follows in the run that was begun last. */
  close(): void {
    if (this.open === null) return;
    this.open = null;
    const { bytes, length } = this;
    writePaddedVarint(bytes, this.#requestsAt, lengthBytes, length - this.#requestsAt - lengthBytes);
    writePaddedVarint(bytes, this.#runAt + 1, lengthBytes, length - this.#runAt - 1 - lengthBytes);
  }

  /** Nothing follows at all. */
  seal(): void {
    this.close();
    this.bytes[0] = requestTags.writes;
    writePaddedVarint(this.bytes, 1, headBytes - 1, this.writes);
  }

  /** A number, or bytes, of the message itself. The next request is of another run. */
  number(tag: number, n: number): void {
    this.close();
    this.reserve(16);
    this.length = field(this.bytes, this.length, tag, n);
  }

  part(tag: number, content: Uint8Array): void {
    this.close();
    this.reserve(16 + content.length);
    this.length = field(this.bytes, this.length, tag, content.length);
    this.bytes.set(content, this.length);
    this.length += content.length;
  }

  #giveBack(): void {
    this.length = headBytes;
    this.count = 0;
    this.writes = 0;
    this.#isWritten = false;
    if (this.#pool.length < messagesPooledMax) this.#pool.push(this);
  }
}

function field(bytes: Buffer, at: number, tag: number, n: number): number {
  bytes[at] = tag;
  return writeVarint(bytes, at + 1, n);
}
