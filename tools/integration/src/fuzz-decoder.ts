/**
 * Random bytes at the decoder of requests: however they are cut, the same is found; nothing is read beyond the
 * input, announcements alone take no memory, and of each frame that `redis-parser` accepts too, the same is made.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { encodeRequest, malformed, needMore, RequestDecoder } from '@holdfast/protocol/testing';
import RedisParser from 'redis-parser';
import { pick } from './random-pick.js';

const bulkBytesMax = 1024 * 1024;
const announcedBytesMax = 64 * 1024;

const pieces = '* $ \r\n \n \r -1 0 1 3 99999999999 " \' \\x \0 : + *1\r\n$ *2\r\n$1\r\na\r\n $-1\r\n'
  .split(' ')
  .concat(' ');

/** Frames that are right at first, then changed; or bytes of the protocol's own in any order. */
function randomInput(random: Random): Buffer {
  if (randomBelow(random, 3) === 0) {
    return Buffer.from(Array.from({ length: randomBelow(random, 60) }, () => pick(pieces, random)).join(''));
  }
  const frame = (): Buffer =>
    encodeRequest(
      Array.from({ length: randomBelow(random, 5) }, () =>
        random.fill(Buffer.alloc(randomBelow(random, 40))),
      ),
    );
  const bytes = Buffer.concat(Array.from({ length: 1 + randomBelow(random, 4) }, frame));
  for (let i = randomBelow(random, 4); i > 0 && bytes.length > 0; i--) {
    const at = randomBelow(random, bytes.length);
    if (randomBelow(random, 2) === 0) bytes[at] = random.uint32() & 255;
    else bytes.write(pick(pieces, random), at, 'latin1');
  }
  return bytes;
}

/** What a connection would find in the input, cut into chunks. */
function decode(input: Buffer, sizeOfNext: () => number): string[] {
  const decoder = new RequestDecoder(bulkBytesMax);
  const found: string[] = [];
  let rest = Buffer.alloc(0);
  for (let at = 0; at < input.length; ) {
    const size = sizeOfNext();
    const bytes = Buffer.concat([rest, input.subarray(at, at + size)]);
    at += size;
    let used = 0;
    while (used < bytes.length) {
      const next = decoder.decode(bytes, used, bytes.length);
      if (next === needMore) break;
      if (next === malformed) return [...found, decoder.error];
      if (next <= used || next > bytes.length)
        throw new Error(`decoded from ${used} to ${next} of ${bytes.length}`);
      const args = argumentsOf(decoder);
      compareWithRedisParser(bytes.subarray(used, next), args);
      found.push(JSON.stringify(args));
      used = next;
    }
    decoder.rebase(used);
    rest = bytes.subarray(used);
  }
  if (decoder.request.offsets.byteLength > announcedBytesMax)
    throw new Error('announcements alone took memory');
  return found;
}

function argumentsOf({ request }: RequestDecoder): string[] {
  return Array.from({ length: request.count }, (_, i) => request.byteString(i));
}

/** A request is an array of bulks, so that a parser of replies reads it too; lines are ours alone. */
function compareWithRedisParser(frame: Buffer, args: readonly string[]): void {
  if (frame[0] !== 42) return;
  const replies: unknown[] = [];
  let isAccepted = true;
  const parser = new RedisParser({
    returnReply: (reply) => replies.push(reply),
    returnError: () => {
      isAccepted = false;
    },
    returnBuffers: true,
  });
  parser.execute(Buffer.from(frame));
  // It has no limits and reads any byte of a length as a digit, so it may wait for more.
  if (!isAccepted || replies.length === 0) return;
  const [reply] = replies;
  const read = ((reply ?? []) as Buffer[]).map((bulk) => bulk.toString('latin1'));
  if (replies.length === 1 && JSON.stringify(read) === JSON.stringify(args)) return;
  throw new Error(
    `redis-parser reads ${JSON.stringify(replies)} of ${JSON.stringify(frame.toString('latin1'))}, we ${JSON.stringify(args)}`,
  );
}

export class DecoderFuzz {
  inputCount = 0;
  readonly #random: Random;
  readonly #onInput: (shown: string) => void;

  /** `onInput` is told of each input before it is decoded. */
  constructor(random: Random, onInput: (shown: string) => void) {
    this.#random = random;
    this.#onInput = onInput;
  }

  /** One input, whole and cut. */
  round(): void {
    const random = this.#random;
    const input = randomInput(random);
    const shown = JSON.stringify(input.toString('latin1'));
    this.#onInput(shown);
    try {
      const whole = decode(input, () => input.length).join(' ');
      const cut = decode(input, () => 1 + randomBelow(random, 30)).join(' ');
      if (whole !== cut) throw new Error(`whole: ${whole}\ncut: ${cut}`);
    } catch (error) {
      throw new Error(`${(error as Error).message}\nof the input ${shown}`, { cause: error });
    }
    this.inputCount++;
  }
}
