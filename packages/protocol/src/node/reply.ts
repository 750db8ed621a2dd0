/**
 * Writes replies to runs as RunReplies of a ForwardResponse, in one go: RESP within protobuf. The lengths come
 * first on the wire and are known last, so room is left for them.
 *
 *     | 0a .... | 08 id | 1a .... | +OK\r\n $1\r\nv\r\n ... | 10 count | 20 version | 28 undetermined | 30 1 |
 *          '-- of the RunReply '-- of the replies
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import {
  messageBytesMax,
  pushTags,
  responseTags,
  runReplyTags,
  writePaddedVarint,
  writeVarint,
} from '@holdfast/rpc';
import type { BufferPool } from '../resp/buffer-pool.js';
import { RespReply } from '../resp/reply.js';
import { replyBytesMax } from './limits.js';

/** Bytes of a length that is filled in later: messages are below 2^28 bytes. */
const lengthBytes = 4;
/** Upper bound of what surrounds the replies. */
const envelopeBytes = 64;

/** Of a reply that no message can hold what is too much is counted, and not kept: it may be a thousand times as long. */
class BoundedReply extends RespReply {
  /** The request that was just passed on, or that waited, was not executed: another node leads. */
  isRefused = false;
  /** So many bytes of the reply that is being written are not there. */
  droppedBytes = 0;
  /** Where it begins. */
  protected replyAt = 0;

  override notLeader(): void {
    this.isRefused = true;
  }

  protected override overflow(): void {
    this.droppedBytes += this.length - this.replyAt;
    this.length = this.replyAt;
  }
}

export class RunReply extends BoundedReply {
  #partAt = 0;
  #lengthAt = 0;

  constructor(pool: BufferPool) {
    super(pool, messageBytesMax);
  }

  /** Begins the answer to a run, or a part of it; replies follow. Returns where it begins. */
  begin(id: number): number {
    this.reserve(envelopeBytes);
    const { bytes } = this;
    let at = this.length;
    this.#partAt = at;
    bytes[at] = responseTags.replies;
    at += 1 + lengthBytes;
    bytes[at++] = runReplyTags.id;
    at = writeVarint(bytes, at, id);
    bytes[at++] = runReplyTags.replies;
    this.#lengthAt = at;
    this.length = at + lengthBytes;
    this.replyAt = this.length;
    return this.#partAt;
  }

  /** The next reply follows, between `begin` and `end`. Returns where it begins. */
  beginReply(): number {
    this.replyAt = this.length;
    return this.length;
  }

  /** Bytes of replies since `begin`. */
  get partLength(): number {
    return this.length - this.#lengthAt - lengthBytes;
  }

  /** The replies so far answer `count` requests. An answer that says nothing is left out, and false. */
  end(count: number, version: number, undetermined: number, isRefused: boolean): boolean {
    if (count === 0 && undetermined === 0 && !isRefused) {
      this.length = this.#partAt;
      return false;
    }
    const replyLength = this.partLength;
    this.reserve(envelopeBytes);
    const { bytes } = this;
    writePaddedVarint(bytes, this.#lengthAt, lengthBytes, replyLength);
    if (count > 0) this.#number(runReplyTags.count, count);
    if (version > 0) this.#number(runReplyTags.version, version);
    if (undetermined > 0) this.#number(runReplyTags.undetermined, undetermined);
    if (isRefused) this.#number(runReplyTags.refused, 1);
    const length = this.length - this.#partAt - 1 - lengthBytes;
    writePaddedVarint(bytes, this.#partAt + 1, lengthBytes, length);
    return true;
  }

  /** Hands over what there is of the reply that begins at `start`, a position of `length`: the rest of it follows there. */
  moveTo(target: SessionReply, start: number): void {
    if (this.length > start) target.raw(this.bytes, start, this.length - start);
    target.droppedBytes += this.droppedBytes;
    this.length = start;
    this.droppedBytes = 0;
  }

  /** Takes over the reply of a command that waited. */
  takeFrom(source: SessionReply): void {
    const start = this.beginReply();
    this.raw(source.bytes, 0, source.length);
    this.droppedBytes += source.droppedBytes;
    source.clear();
    this.limit(start);
  }

  /** Replaces the reply that begins at `start`, a position of `length`, when no message can hold it. */
  limit(start: number): void {
    const length = this.length - start + this.droppedBytes;
    if (length <= replyBytesMax) return;
    this.length = start;
    this.droppedBytes = 0;
    this.error(`LIMIT the reply has ${length} bytes, and replies in a cluster have at most ${replyBytesMax}`);
  }

  /** Messages that a session was sent, as a Push: not between `begin` and `end`. */
  messages(session: number, messages: Uint8Array, start: number, length: number): void {
    this.reserve(length + envelopeBytes);
    const { bytes } = this;
    const partAt = this.length;
    let at = partAt + 1 + lengthBytes;
    bytes[partAt] = responseTags.pushes;
    bytes[at++] = pushTags.session;
    at = writeVarint(bytes, at, session);
    bytes[at++] = pushTags.messages;
    at = writeVarint(bytes, at, length);
    copyBytes(messages, start, bytes, at, length);
    at += length;
    writePaddedVarint(bytes, partAt + 1, lengthBytes, at - partAt - 1 - lengthBytes);
    this.length = at;
  }

  #number(tag: number, n: number): void {
    this.bytes[this.length++] = tag;
    this.length = writeVarint(this.bytes, this.length, n);
  }
}

/** Where the reply of a command that waited goes, and what a session is sent besides. */
export class SessionReply extends BoundedReply {
  /** Forgets everything. */
  clear(): void {
    this.isRefused = false;
    this.droppedBytes = 0;
    this.consume(this.length, false);
  }
}
