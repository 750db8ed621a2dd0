/**
 * A file in the format of LevelDB's log: blocks of 32 KiB, each filled with fragments of records.
 *
 *     fragment   | crc32c u32 | length u16 | type u8 | bytes |      the checksum is of type and bytes
 *     type       1 a whole record, 2 its first part, 3 a middle one, 4 its last; zeros fill a block's end
 *
 * A record that the end of the file breaks off was being written when the process or the machine stopped: nobody was
 * told that it is there. Anything else that is not as it should be is damage.
 */
import type { Findings } from '@holdfast/common';
import { maskedCrc32c } from './crc32c.js';
import type { StoreFile } from './store-files.js';

const blockBytes = 32 * 1024;
const headBytes = 7;
const types = { zero: 0, full: 1, first: 2, middle: 3, last: 4 } as const;

export async function checkLogFile(file: StoreFile, place: string, findings: Findings): Promise<void> {
  const block = Buffer.allocUnsafe(blockBytes);
  let isWithin = false;
  for (let start = 0; start < file.size; start += blockBytes) {
    const length = await file.read(block, start);
    let at = 0;
    while (at + headBytes <= length) {
      const end = at + headBytes + block.readUInt16LE(at + 4);
      const type = block[at + 6];
      if (type === types.zero && block.readUInt32LE(at) === 0 && end === at + headBytes) {
        // Prepared and not written: only zeros may follow in the block.
        if (!isZero(block, at, length))
          findings.damage(`${place}, offset ${start + at}`, 'a record is damaged');
        break;
      }
      if (end > length) {
        reportBeyond(start + at, start + length === file.size && start + blockBytes >= file.size);
        break;
      }
      if (type > types.last || maskedCrc32c(block, at + 6, end) !== block.readUInt32LE(at)) {
        findings.damage(`${place}, offset ${start + at}`, 'the checksum of a record is wrong');
        isWithin = false;
        break;
      }
      if (isWithin !== (type === types.middle || type === types.last))
        findings.damage(`${place}, offset ${start + at}`, 'a part of a record is missing');
      isWithin = type === types.first || type === types.middle;
      at = end;
    }
    findings.passed(length);
  }
  if (isWithin) findings.note(place, 'its last record was not written to the end, and is passed over');

  function reportBeyond(offset: number, isAtEnd: boolean): void {
    if (isAtEnd)
      findings.note(`${place}, offset ${offset}`, 'its last record is cut short, and is passed over');
    else findings.damage(`${place}, offset ${offset}`, 'the length of a record is impossible');
    isWithin = false;
  }
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}
