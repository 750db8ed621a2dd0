/**
 * A table of LevelDB: blocks one behind the other, each with a foot, and at the end where the others are.
 *
 *     | data block ... | filter | metaindex | index | foot, 48 bytes |
 *     block   | bytes | compression u8 | crc32c u32 |       the checksum is of all before
 *     foot    | place of the metaindex | place of the index | zeros | magic u64 |
 *
 * Whole is a table whose blocks have right checksums and fill the file without a gap.
 */
import { type Findings, KvError } from '@holdfast/common';
import { uncompress } from 'snappyjs';
import { maskedCrc32c } from './crc32c.js';
import type { StoreFile } from './store-files.js';
import { damaged, VarintReader } from './varint-reader.js';

const footBytes = 48;
const blockFootBytes = 5;
const magic = 0xdb4775248b80fb57n;
const compressions = { none: 0, snappy: 1 } as const;

interface Place {
  readonly offset: number;
  readonly size: number;
}

export async function checkTable(file: StoreFile, place: string, findings: Findings): Promise<void> {
  try {
    const blocks = await new TableReader(file).blocks();
    let end = 0;
    for (const { offset, size } of blocks.sort((a, b) => a.offset - b.offset)) {
      if (offset !== end) throw damaged(`offset ${end}`, 'no block begins here');
      end = offset + size + blockFootBytes;
    }
    if (end + footBytes !== file.size) throw damaged(`offset ${end}`, 'the blocks do not fill the file');
  } catch (error) {
    if (!(error instanceof KvError) || error.code !== 'CORRUPT') throw error;
    findings.damage(`${place}, ${error.message}`, 'a table of LevelDB is damaged: keys in it may be lost');
  }
  findings.passed(file.size);
}

class TableReader {
  readonly #file: StoreFile;

  constructor(file: StoreFile) {
    this.#file = file;
  }

  /** Where all blocks are, each checked. Throws KvError CORRUPT. */
  async blocks(): Promise<Place[]> {
    const foot = Buffer.alloc(footBytes);
    const at = this.#file.size - footBytes;
    if (at < 0 || (await this.#file.read(foot, at)) < footBytes || foot.readBigUInt64LE(40) !== magic)
      throw damaged(`offset ${Math.max(0, at)}`, 'its foot is damaged');
    const places = new VarintReader(foot, 40);
    const metaindex = placeIn(places);
    const index = placeIn(places);
    const listed = [
      ...placesIn(await this.#block(metaindex), metaindex),
      ...placesIn(await this.#block(index), index),
    ];
    for (const each of listed) await this.#checked(each);
    return [...listed, metaindex, index];
  }

  async #block(place: Place): Promise<Buffer> {
    const bytes = await this.#checked(place);
    const content = bytes.subarray(0, place.size);
    if (bytes[place.size] === compressions.none) return content;
    try {
      return Buffer.from(uncompress(content));
    } catch {
      throw damaged(`offset ${place.offset}`, 'a block does not unpack');
    }
  }

  /** The block with its foot. */
  async #checked({ offset, size }: Place): Promise<Buffer> {
    const length = size + blockFootBytes;
    if (offset + length > this.#file.size - footBytes)
      throw damaged(`offset ${offset}`, 'a block reaches beyond the file');
    const bytes = Buffer.allocUnsafe(length);
    await this.#file.read(bytes, offset);
    if (
      bytes[size] > compressions.snappy ||
      maskedCrc32c(bytes, 0, size + 1) !== bytes.readUInt32LE(size + 1)
    )
      throw damaged(`offset ${offset}`, 'the checksum of a block is wrong');
    return bytes;
  }
}

function placeIn(reader: VarintReader): Place {
  return { offset: reader.next(), size: reader.next() };
}

/** The values of a block's entries, which are places: `| shared | own | length, varints | own part of the key | value |`. */
function placesIn(block: Buffer, { offset }: Place): Place[] {
  if (block.length < 4) throw damaged(`offset ${offset}`, 'a block is too short');
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - restarts * 4;
  const reader = new VarintReader(block, end);
  const places: Place[] = [];
  while (reader.at < end) {
    reader.next();
    const keyBytes = reader.next(2);
    reader.at += keyBytes;
    places.push(placeIn(reader));
  }
  return places;
}
