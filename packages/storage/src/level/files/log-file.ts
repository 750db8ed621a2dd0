/**
 * A file in the format of LevelDB's log: blocks of 32 KiB, each filled with fragments of records.
 *
 *     fragment   | crc32c u32 | length u16 | type u8 | bytes |      the checksum is of type and bytes
 *     type       1 a whole record, 2 its first part, 3 a middle one, 4 its last; zeros fill a block's end
 *
 * Records are written and synced one at a time. So of the last one anything may be missing when the machine stopped
 * meanwhile: it ends too early, or has zeros or other bytes in between. Nobody was told that it is there, and the file
 * ends where it begins. A bad place that another record begins behind is damage.
 */
import type { Findings } from '@holdfast/common';
import { maskedCrc32c } from './crc32c.js';
import type { StoreFile } from './store-files.js';

const blockBytes = 32 * 1024;
const headBytes = 7;
const types = { zero: 0, full: 1, first: 2, middle: 3, last: 4 } as const;

export interface LogScan {
  /** Where the last whole record ends. */
  readonly end: number;
  /** The first place behind that where something else than a record is, or -1. */
  readonly bad: number;
  /** Whether a record begins behind `bad`. */
  readonly isDamaged: boolean;
}

/** Tells `visit` of each record, if it is given. */
export async function scanLogFile(file: StoreFile, visit?: (record: Buffer) => void): Promise<LogScan> {
  const scanner = new Scanner(visit);
  const block = Buffer.allocUnsafe(blockBytes);
  for (let start = 0; start < file.size; start += blockBytes) {
    const length = await file.read(block, start);
    scanner.block(block, start, length);
  }
  return scanner;
}

export async function checkLogFile(file: StoreFile, place: string, findings: Findings): Promise<void> {
  const { bad, end, isDamaged } = await scanLogFile(file);
  if (isDamaged) findings.damage(`${place}, offset ${bad}`, 'a record is damaged, and others follow');
  else if (bad >= 0 || end < file.size)
    findings.note(
      `${place}, offset ${end}`,
      'its last record was not written to the end, and is passed over',
    );
  findings.passed(file.size);
}

class Scanner implements LogScan {
  readonly #visit: ((record: Buffer) => void) | undefined;
  readonly #parts: Buffer[] = [];
  #isWithin = false;
  end = 0;
  bad = -1;
  isDamaged = false;

  constructor(visit?: (record: Buffer) => void) {
    this.#visit = visit;
  }

  block(block: Buffer, start: number, length: number): void {
    let at = 0;
    while (at + headBytes <= length) {
      const type = block[at + 6];
      const next = at + headBytes + block.readUInt16LE(at + 4);
      if (next > length || !isFragment(block, at, next)) {
        if (!isZero(block, at, length) || this.#isWithin) this.#badAt(start + at);
        // LevelDB passes over the rest of the block.
        if (this.bad >= 0 && !this.isDamaged) this.isDamaged = hasBeginning(block, at + 1, length);
        return;
      }
      this.#fragment(type, block.subarray(at + headBytes, next), start + at, start + next);
      at = next;
    }
    // What is too short for a head is left empty, and belongs to what comes before.
    if (length === blockBytes && !this.#isWithin && this.bad < 0) this.end = start + length;
  }

  #fragment(type: number, bytes: Buffer, offset: number, end: number): void {
    const begins = type === types.full || type === types.first;
    if (this.bad >= 0) {
      if (begins) this.isDamaged = true;
      return;
    }
    if (begins === this.#isWithin) {
      this.#badAt(offset);
      // A part is missing before a record that begins here.
      if (begins) this.isDamaged = true;
      return;
    }
    if (this.#visit !== undefined) this.#parts.push(Buffer.from(bytes));
    this.#isWithin = type === types.first || type === types.middle;
    if (this.#isWithin) return;
    this.end = end;
    this.#visit?.(Buffer.concat(this.#parts.splice(0)));
  }

  #badAt(offset: number): void {
    if (this.bad < 0) this.bad = offset;
    this.#isWithin = false;
  }
}

/** Whether a record begins anywhere there: where the one before ends can't be told. */
function hasBeginning(block: Buffer, from: number, length: number): boolean {
  for (let at = from; at + headBytes <= length; at++) {
    const type = block[at + 6];
    if (type !== types.full && type !== types.first) continue;
    const end = at + headBytes + block.readUInt16LE(at + 4);
    if (end <= length && isFragment(block, at, end)) return true;
  }
  return false;
}

function isFragment(block: Buffer, at: number, end: number): boolean {
  const type = block[at + 6];
  if (type < types.full || type > types.last) return false;
  return maskedCrc32c(block, at + 6, end) === block.readUInt32LE(at);
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}
