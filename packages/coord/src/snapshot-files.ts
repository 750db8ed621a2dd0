/**
 * Snapshots of a storage in files, so that the log before them can be dropped.
 *
 *     snapshot-<from>-<to>.kvs    | magic, format | frame | frame | ... | end frame |
 *     frame                       | length u32 | crc32 u32 | batch of mutations |     end: length 0
 *
 * A snapshot is taken while writes go on: it holds at least everything up to position `from`, and nothing
 * after `to`. It counts only once the log is durable up to `to`; recovery then applies the log after
 * `from` over it, and every mutation that it already contains changes nothing.
 */
import { KvError } from '@holdfast/common';
import { AtomicFile, checksum, type Disk } from '@holdfast/log';

const magic = Buffer.from('HOLDFAST SNAPSHOT 1\n', 'latin1');
const namePattern = /^snapshot-(\d{16})-(\d{16})\.kvs$/;

export interface SnapshotName {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export class SnapshotFiles {
  readonly #disk: Disk;
  readonly #directory: string;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /** All that are there, the newest last. */
  all(): Promise<SnapshotName[]> {
    return this.#list();
  }

  pathOf({ name }: SnapshotName): string {
    return `${this.#directory}/${name}`;
  }

  /** The newest snapshot, or null. */
  async newest(): Promise<SnapshotName | null> {
    const all = await this.#list();
    return all.at(-1) ?? null;
  }

  /**
   * Writes a snapshot's batches to a new file; `position` is asked for `to` at the end, and may wait until
   * the log is durable that far. Returns the size in bytes. Without an error the file is durable; with one nothing is
   * left of it, as what is there in part may be what fills the disk.
   */
  async write(
    from: number,
    batches: AsyncIterable<Uint8Array>,
    position: () => Promise<number>,
  ): Promise<number> {
    await this.#disk.makeDirectory(this.#directory);
    return AtomicFile.write(this.#disk, this.#unfinished, async (file) => {
      await file.write(magic);
      for await (const batch of batches) await file.write(frameOf(batch));
      file.path = `${this.#directory}/${nameOf(from, await position())}`;
      await file.write(frameOf(new Uint8Array(0)));
      return file.size;
    });
  }

  /** One that a former process was writing when it was killed is of no use to anybody. */
  removeUnfinished(): Promise<void> {
    return AtomicFile.removeUnfinished(this.#disk, this.#unfinished);
  }

  /** Its positions are known in the end. */
  get #unfinished(): string {
    return `${this.#directory}/snapshot`;
  }

  /** The batches of a snapshot, checked. Throws KvError CORRUPT. */
  async *read(snapshot: SnapshotName): AsyncIterable<Uint8Array> {
    const path = this.pathOf(snapshot);
    const file = this.#disk.open(path, 'read');
    try {
      const start = new Uint8Array(magic.length);
      await file.read(start, 0);
      if (!magic.equals(start)) throw damaged(path, 0, 'it is no snapshot, or of a newer format');
      const head = Buffer.alloc(8);
      for (let at = magic.length; ; ) {
        if ((await file.read(head, at)) < 8) throw damaged(path, at, 'it ends too early');
        const length = head.readUInt32LE(0);
        if (length === 0) {
          // The end, and not a length that was damaged: nothing follows.
          if (head.readUInt32LE(4) !== 0 || at + head.length !== file.size())
            throw damaged(path, at, 'its end is not at its end');
          return;
        }
        // Of one key, however large it is: what the file has is all that can be said of a length before it is read.
        if (at + head.length + length > file.size()) throw damaged(path, at, 'it ends too early');
        const batch = Buffer.allocUnsafeSlow(length);
        if ((await file.read(batch, at + 8)) < length) throw damaged(path, at, 'it ends too early');
        if (checksum(batch, 0, length, 0) !== head.readUInt32LE(4))
          throw damaged(path, at, 'a checksum is wrong');
        yield batch;
        at += 8 + length;
      }
    } finally {
      await file.close();
    }
  }

  /** What is damaged is no snapshot any more; it stays there for whoever wants to look at it. */
  async setAside(snapshot: SnapshotName): Promise<void> {
    const path = this.pathOf(snapshot);
    this.#disk.rename(path, `${path}.damaged`);
    await this.#disk.syncDirectory(this.#directory);
  }

  /** Removes all snapshots but the newest. */
  async removeOld(): Promise<void> {
    const all = await this.#list();
    for (const { name } of all.slice(0, -1)) await this.#disk.unlink(`${this.#directory}/${name}`);
  }

  async #list(): Promise<SnapshotName[]> {
    await this.#disk.makeDirectory(this.#directory);
    const names: SnapshotName[] = [];
    for (const name of await this.#disk.list(this.#directory)) {
      const match = namePattern.exec(name);
      if (match !== null) names.push({ name, from: Number(match[1]), to: Number(match[2]) });
    }
    return names.sort((a, b) => a.from - b.from || a.to - b.to);
  }
}

function nameOf(from: number, to: number): string {
  return `snapshot-${String(from).padStart(16, '0')}-${String(to).padStart(16, '0')}.kvs`;
}

function frameOf(batch: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafeSlow(8 + batch.length);
  frame.writeUInt32LE(batch.length, 0);
  frame.writeUInt32LE(checksum(batch, 0, batch.length, 0), 4);
  frame.set(batch, 8);
  return frame;
}

function damaged(path: string, at: number, why: string): KvError {
  return new KvError(
    'CORRUPT',
    `${path} is damaged at byte ${at}: ${why}. Restore the directory from a backup; without the snapshot the log alone is not enough.`,
  );
}
