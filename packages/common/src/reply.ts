/**
 * Where a command writes its answer: a writer, not a tree. Commands say what the answer is, once, in
 * order; an implementation turns it into RESP2, RESP3, gRPC values or plain JavaScript values. A
 * command never knows which.
 *
 * Aggregates are announced with their length and followed by exactly that many values (twice as
 * many for a map). Bytes passed in are copied before the call returns.
 */

import type { LeaderHint } from './leader.js';
import { replayReplies } from './raw-reply.js';

export abstract class Reply {
  /** Set by `error`; callers that need to know whether a command failed clear and read it. */
  failed = false;
  /** The last message that `error` was given. */
  lastError = '';

  /** A status such as `OK`: no CR, no LF. */
  abstract simple(text: string): void;
  /** The status `OK`. */
  abstract ok(): void;
  /** An error: an upper-case code, a space, and the message; see `errorLine`. */
  abstract error(message: string): void;
  /** A safe integer. */
  abstract integer(n: number): void;
  /** A 64-bit integer beyond the safe range. */
  abstract bigInteger(n: bigint): void;
  abstract double(n: number): void;
  /** A double that is shown with these digits, where digits are shown. */
  doubleAs(n: number, _digits: string): void {
    this.double(n);
  }
  /** `length` bytes of `bytes` from `start`. */
  abstract bulk(bytes: Uint8Array, start: number, length: number): void;
  /** A byte string (one character a byte) as a bulk. */
  abstract byteString(value: string): void;
  /** A text as a bulk, encoded as UTF-8. */
  abstract text(value: string): void;
  /** No value. In RESP2 the null bulk. */
  abstract null(): void;
  /** No value where an array was expected. In RESP2 the null array. */
  abstract nullArray(): void;
  abstract array(count: number): void;
  /** `count` pairs of key and value. In RESP2 a flat array. */
  abstract map(count: number): void;
  abstract set(count: number): void;
  /** An out-of-band message. In RESP2 an array. */
  abstract push(count: number): void;
  /**
   * Announces `count` pairs about the reply that follows them: out-of-band data, which RESP3 alone has. False where
   * there is no place for it: then nothing of it may be written.
   */
  attribute(_count: number): boolean {
    return false;
  }
  /** In RESP2 the integers 1 and 0. */
  abstract boolean(value: boolean): void;
  /** An integer of any size. In RESP2 a bulk of its digits. */
  abstract bigNumber(digits: string): void;
  /** A text with a three-letter format, `txt` or `mkd`. In RESP2 a bulk of the text. */
  abstract verbatim(format: string, text: string): void;
  /**
   * Complete replies that were encoded elsewhere: `length` bytes of RESP from `start`, in the dialect of the
   * client. Implementations that write RESP themselves copy them.
   */
  raw(bytes: Uint8Array, start: number, length: number): void {
    replayReplies(this, bytes, start, start + length);
  }
  /**
   * The request was not executed: another node leads the shard it belongs to. `slot` is that of its first key,
   * -1 when it has none; `leader` is null while nobody is known. Unless a protocol has a better word for it, this
   * is an error that invites to try again.
   */
  notLeader(_slot: number, _leader: LeaderHint | null): void {
    this.error('TRYAGAIN the leader of the shard has changed: the command was not executed');
  }
  /** 2 or 3: some commands shape their answer by the dialect of the client (RESP2's flat pairs). */
  abstract dialect: 2 | 3;
}

const lineEnds = /[\r\n]/;

/** An error as it is sent: one line. Line ends around it are dropped, those inside become spaces. */
export function errorLine(message: string): string {
  return lineEnds.test(message) ? withoutLineEnds(message).replace(/[\r\n]/g, ' ') : message;
}

/**
 * A text without the line ends around it. By hand: a pattern for those at the end is tried at each that there is, to
 * the end of its row, and a script's error may have millions in a row.
 */
export function withoutLineEnds(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isLineEnd(text.charCodeAt(start))) start++;
  while (end > start && isLineEnd(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isLineEnd(code: number): boolean {
  return code === 10 || code === 13;
}
