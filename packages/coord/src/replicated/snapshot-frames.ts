/**
 * A snapshot as frames, for the way from one node to another, or into a file: where a chunk of bytes ends on that way
 * has no meaning. A frame is at most a bit more than `snapshotPieceBytesMax`, so that any wire takes it; a larger
 * batch is sent in pieces.
 *
 *     frame   | kind u8 | length u32 | crc32 u32 | content |
 *
 *     begin   1   format u32, from f64
 *     piece   2   bytes; more of the same batch follows
 *     batch   3   bytes; the last of a batch, or the whole of it
 *     end     4   to f64, and where it is known the version f64
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
const headBytes = 9;
const endBytes: ReadonlySet<number> = new Set([8, 16]);
/** Of everything before the checksum. */
const summedBytes = 5;

export async function* encodeSnapshot({
  batches,
  from,
  to,
  version,
}: SnapshotStream): AsyncGenerator<Uint8Array> {
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
  const known = version?.();
  const end = Buffer.alloc(known === undefined ? 8 : 16);
  end.writeDoubleLE(to(), 0);
  if (known !== undefined) end.writeDoubleLE(known, 8);
  yield line.frame(kinds.end, end);
}

/** Resolves once the first frame is there. Throws KvError CORRUPT, and what `chunks` throws. */
export async function decodeSnapshot(chunks: AsyncIterable<Uint8Array>): Promise<SnapshotStream> {
  const reader = new FrameReader(chunks[Symbol.asyncIterator]());
  try {
    const first = await reader.next();
    if (first === null) throw damaged('it is empty');
    const { content, kind } = first;
    if (kind !== kinds.begin || content.length !== 12) throw damaged('it does not begin as one');
    if (content.readUInt32LE(0) !== format) {
      throw damaged('its format is newer: use the same version everywhere');
    }
    let to: Position | null = null;
    let version: number | undefined;
    const batches = decodeBatches(reader, (position, known) => {
      to = position;
      version = known;
    });
    const end = (): Position => {
      if (to === null) throw damaged('it was not read to its end');
      return to;
    };
    const close = (): Promise<void> => reader.stop();
    return { from: content.readDoubleLE(4), batches, to: end, version: () => version, close };
  } catch (error) {
    await reader.stop();
    throw error;
  }
}

async function* decodeBatches(
  reader: FrameReader,
  onEnd: (to: Position, version?: number) => void,
): AsyncGenerator<Uint8Array> {
  const pieces: Buffer[] = [];
  try {
    for (;;) {
      const frame = await reader.next();
      if (frame === null) throw damaged('its end is missing');
      const { content, kind } = frame;
      if (kind === kinds.piece) {
        pieces.push(content);
      } else if (kind === kinds.batch) {
        yield pieces.length === 0 ? content : Buffer.concat([...pieces.splice(0), content]);
      } else if (kind === kinds.end && endBytes.has(content.length) && pieces.length === 0) {
        if ((await reader.next()) !== null) throw damaged('it goes on after its end');
        onEnd(content.readDoubleLE(0), content.length > 8 ? content.readDoubleLE(8) : undefined);
        return;
      } else {
        throw damaged(`a frame of kind ${kind} can't be here`);
      }
    }
  } finally {
    await reader.stop();
  }
}

class Encoder {
  #sum = 0;

  frame(kind: number, content: Uint8Array): Uint8Array {
    const frame = Buffer.allocUnsafeSlow(headBytes + content.length);
    frame[0] = kind;
    frame.writeUInt32LE(content.length, 1);
    frame.set(content, headBytes);
    this.#sum = sumOf(frame, this.#sum);
    frame.writeUInt32LE(this.#sum, summedBytes);
    return frame;
  }
}

interface Frame {
  readonly kind: number;
  readonly content: Buffer;
}

/** Puts chunks together to frames, and checks them. */
class FrameReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #bytes: Buffer = Buffer.alloc(0);
  #sum = 0;

  constructor(chunks: AsyncIterator<Uint8Array>) {
    this.#chunks = chunks;
  }

  /** Null at the end. */
  async next(): Promise<Frame | null> {
    if (!(await this.#have(headBytes))) {
      if (this.#bytes.length > 0) throw damaged('it ends within a frame');
      return null;
    }
    const length = this.#bytes.readUInt32LE(1);
    if (length > snapshotPieceBytesMax) throw damaged('a length is impossible');
    if (!(await this.#have(headBytes + length))) throw damaged('it ends within a frame');
    const frame = this.#bytes.subarray(0, headBytes + length);
    this.#bytes = this.#bytes.subarray(headBytes + length);
    this.#sum = sumOf(frame, this.#sum);
    if (frame.readUInt32LE(summedBytes) !== this.#sum) throw damaged('a checksum is wrong');
    return { kind: frame[0], content: frame.subarray(headBytes) };
  }

  async stop(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #have(count: number): Promise<boolean> {
    if (this.#bytes.length >= count) return true;
    const parts = [this.#bytes];
    for (let length = this.#bytes.length; length < count; ) {
      const next = await this.#chunks.next();
      if (next.done) break;
      const { buffer, byteOffset, length: more } = next.value;
      parts.push(Buffer.from(buffer, byteOffset, more));
      length += more;
    }
    this.#bytes = Buffer.concat(parts);
    return this.#bytes.length >= count;
  }
}

/** Over everything of a frame but its checksum. */
function sumOf(frame: Buffer, before: number): number {
  return checksum(frame, headBytes, frame.length, checksum(frame, 0, summedBytes, before));
}

function damaged(why: string): KvError {
  return new KvError('CORRUPT', `a snapshot from another node is damaged: ${why}`);
}
