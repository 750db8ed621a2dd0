/**
 * Takes the messages of a call out of its bytes: in place of the library's own decoder, which holds the pieces of a
 * message, and with each the buffer of the socket that it came in, until the last one is there, for calls that nobody will
 * answer any more too, and which knows no limit but that of one message.
 *
 *     flag (1) | length (4) | message ...        flag: 1 when it is compressed
 *
 * A message is one buffer from the start, as long as it says to be, so that nothing is put together in the end.
 */
// @hot-path
import { messageBytesMax } from '@holdfast/rpc';
import { compressedBytesMax, messageBytesCounted, openMessageBytesMax } from './limits.js';
import type { RequestRoom } from './request-room.js';

const headBytes = 5;
const none: readonly Buffer[] = [];

export class MessageDecoder {
  readonly #room: RequestRoom | null;
  /** Of the head as far as it is there: how many bytes, the first one, and the number that the others are. */
  #headLength = 0;
  #flag = 0;
  #announced = 0;
  /** With its head; null between messages. */
  #message: Buffer | null = null;
  #length = 0;
  /** Messages that came and were not freed, in order: so many that have nothing of the room, then what each other one has. */
  #small = 0;
  readonly #taken: number[] = [];

  /** Without a room the call is one that anybody may make: its messages must be short. */
  constructor(room: RequestRoom | null) {
    this.#room = room;
  }

  /**
   * The messages that are complete now, each with its head. Throws when one is longer than it may be, and KvError LIMIT
   * when there is no room for it.
   */
  write(data: Buffer): readonly Buffer[] {
    let messages: Buffer[] | null = null;
    for (let at = 0; at < data.length; ) {
      if (this.#message === null) {
        const byte = data[at++];
        if (this.#headLength === 0) this.#flag = byte;
        else this.#announced = this.#announced * 256 + byte;
        if (++this.#headLength < headBytes) continue;
        this.#begin();
      }
      const message = this.#message!;
      const end = Math.min(data.length, at + message.length - this.#length);
      data.copy(message, this.#length, at, end);
      this.#length += end - at;
      at = end;
      if (this.#length < message.length) break;
      this.#message = null;
      this.#headLength = 0;
      this.#announced = 0;
      if (messages === null) messages = [message];
      else messages.push(message);
    }
    return messages ?? none;
  }

  /** The first message that was not freed yet is not needed any more. */
  free(): void {
    if (this.#small > 0) {
      this.#small--;
      return;
    }
    const taken = this.#taken.shift() ?? 0;
    this.#room?.give(taken);
  }

  /** The call is over. */
  end(): void {
    this.#message = null;
    this.#small = 0;
    while (this.#taken.length > 0) this.free();
  }

  #begin(): void {
    const length = this.#announced;
    const bytesMax = this.#bytesMax();
    if (length > bytesMax) throw new Error(`Received message larger than max (${length} vs ${bytesMax})`);
    const taken = length > messageBytesCounted ? length : 0;
    this.#room?.take(taken);
    if (taken === 0 && this.#taken.length === 0) this.#small++;
    else this.#taken.push(taken);
    this.#message = Buffer.allocUnsafe(headBytes + length);
    this.#message[0] = this.#flag;
    this.#message.writeUInt32BE(length, 1);
    this.#length = headBytes;
  }

  #bytesMax(): number {
    if (this.#room !== null) return messageBytesMax;
    return this.#flag === 0 ? openMessageBytesMax : compressedBytesMax;
  }
}
