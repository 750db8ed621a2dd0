/** What a unit of commands is in the history that replicas read: its bytes, in the database that it is about. */
import { copyBytes, databasesMax } from '@holdfast/common';
import type { CommandUnit } from '@holdfast/engine';

const startBytes = 4096;

const multi = Buffer.from('*1\r\n$5\r\nMULTI\r\n');
const exec = Buffer.from('*1\r\n$4\r\nEXEC\r\n');
const selects: readonly Buffer[] = Array.from({ length: databasesMax }, (_, i) =>
  Buffer.from(`*2\r\n$6\r\nSELECT\r\n$${String(i).length}\r\n${i}\r\n`),
);

export class UnitBytes {
  /** Of the unit that was encoded last: `bytes[0, length)`. */
  bytes = Buffer.allocUnsafeSlow(startBytes);
  length = 0;
  /** The database that the history is at; -1 when it has to be said anew. */
  #selected = -1;

  /** A replica may come that does not know which database the history is at. */
  forgetDatabase(): void {
    this.#selected = -1;
  }

  /** `selectsFirst`: the database of a transaction is said before it, as Redis 7.0 does. */
  encode(unit: CommandUnit, selectsFirst: boolean): void {
    const isTransaction = unit.count > 1 && unit.isAtomic;
    this.length = 0;
    if (isTransaction) {
      if (selectsFirst) this.#select(unit.database(0));
      this.#put(multi, 0, multi.length);
    }
    for (let i = 0; i < unit.count; i++) {
      this.#select(unit.database(i));
      const start = unit.start(i);
      this.#put(unit.bytes, start, unit.start(i + 1) - start);
    }
    if (isTransaction) this.#put(exec, 0, exec.length);
  }

  #select(database: number): void {
    if (database === this.#selected) return;
    this.#selected = database;
    this.#put(selects[database], 0, selects[database].length);
  }

  #put(source: Uint8Array, start: number, length: number): void {
    const needed = this.length + length;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    copyBytes(source, start, this.bytes, this.length, length);
    this.length = needed;
  }
}
