/**
 * A snapshot as frames, for the way from one node to another. A frame is at most a bit more than `pieceBytesMax`, so
 * that any wire takes it; a larger batch is sent in pieces.
 *
 *     begin   | 1 | crc32 u32 | format u32 | from f64 |
 *     piece   | 2 | crc32 u32 | bytes |                  more of the same batch follows
 *     batch   | 3 | crc32 u32 | bytes |                  the last of a batch, or the whole of it
 *     end     | 4 | crc32 u32 | to f64 |
 *
 * Each checksum goes on where the one before ended: a frame that is damaged, missing, or there twice breaks all that
 * follow, and what comes after the end, or no end, is damage too.
 */
import { checksum, KvError } from '@holdfast/common';
import type { Position } from '@holdfast/log';
import { snapshotPieceBytesMax } from './limits.js';
import type { SnapshotStream } from './snapshot-source.js';

const kinds = { begin: 1, piece: 2, batch: 3, end: 4 } as const;
const format = 1;
const headBytes = 5;

export async function* encodeSnapshot({ batches, from, to }: SnapshotStream): AsyncGenerator<Uint8Array> {
  const line = new Encoder();
  const begin = Buffer.alloc(12);
  begin.writeUInt32LE(format, 0);
  begin.writeDoubleLE(from, 4);
  yield line.frame(kinds.begin, begin);
  for await (const batch of batches) {
    let at = 0;
    for (; batch.length - at > snapshotPieceBytesMax; at += snapshotPieceBytesMax) {
      yield line.frame(kinds.piece, batch.subarray(at, at + snapshotPieceBytesMax));
    }
    yield line.frame(kinds.batch, batch.subarray(at));
  }
  const end = Buffer.alloc(8);
  end.writeDoubleLE(to(), 0);
  yield line.frame(kinds.end, end);
}

/** Resolves once the first frame is there. Throws KvError CORRUPT, and what `frames` throws. */
export async function decodeSnapshot(frames: AsyncIterable<Uint8Array>): Promise<SnapshotStream> {
  const iterator = frames[Symbol.asyncIterator]();
  const decoder = new Decoder();
  const first = await iterator.next();
  if (first.done) throw damaged('it is empty');
  const { kind, content } = decoder.open(first.value);
  if (kind !== kinds.begin || content.length !== 12) throw damaged('it does not begin as one');
  if (content.readUInt32LE(0) !== format)
    throw damaged('its format is newer: use the same version everywhere');
  const from = content.readDoubleLE(4);
  let to: Position | null = null;
  const batches = decodeBatches(iterator, decoder, (position) => {
    to = position;
  });
  const end = (): Position => {
    if (to === null) throw damaged('it was not read to its end');
    return to;
  };
  return { from, batches, to: end };
}

async function* decodeBatches(
  iterator: AsyncIterator<Uint8Array>,
  decoder: Decoder,
  onEnd: (to: Position) => void,
): AsyncGenerator<Uint8Array> {
  const pieces: Buffer[] = [];
  let hasEnded = false;
  try {
    for (;;) {
      const next = await iterator.next();
      if (next.done) break;
      const { kind, content } = decoder.open(next.value);
      if (hasEnded) throw damaged('it goes on after its end');
      if (kind === kinds.piece) {
        pieces.push(content);
      } else if (kind === kinds.batch) {
        yield pieces.length === 0 ? content : Buffer.concat([...pieces.splice(0), content]);
      } else if (kind === kinds.end && content.length === 8 && pieces.length === 0) {
        hasEnded = true;
        onEnd(content.readDoubleLE(0));
      } else {
        throw damaged(`a frame of kind ${kind} can't be here`);
      }
    }
    if (!hasEnded) throw damaged('its end is missing');
  } finally {
    await iterator.return?.();
  }
}

class Encoder {
  #sum = 0;

  frame(kind: number, content: Uint8Array): Uint8Array {
    const frame = Buffer.allocUnsafeSlow(headBytes + content.length);
    frame[0] = kind;
    frame.set(content, headBytes);
    this.#sum = sumOf(frame, this.#sum);
    frame.writeUInt32LE(this.#sum, 1);
    return frame;
  }
}

class Decoder {
  #sum = 0;

  open(bytes: Uint8Array): { readonly kind: number; readonly content: Buffer } {
    const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (frame.length < headBytes) throw damaged('a frame is too short');
    this.#sum = sumOf(frame, this.#sum);
    if (frame.readUInt32LE(1) !== this.#sum) throw damaged('a checksum is wrong');
    return { kind: frame[0], content: frame.subarray(headBytes) };
  }
}

/** Over everything of a frame but its checksum. */
function sumOf(frame: Buffer, before: number): number {
  return checksum(frame, headBytes, frame.length, checksum(frame, 0, 1, before));
}

function damaged(why: string): KvError {
  return new KvError('CORRUPT', `a snapshot from another node is damaged: ${why}`);
}
