import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { contentOf, emptyDriver, keysOf, randomValues, restore } from '../testing/rdb-values.js';
import type { StorageDriver } from '../testing/storage-driver.js';
import { dumpPayload } from './dump-payload.js';
import { type RdbFileItem, RdbFileReader } from './file-reader.js';
import { RdbFileWriter } from './file-writer.js';
import { rdbVersions } from './rdb-types.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

function fileOf({ storage }: StorageDriver, version: number = rdbVersions.redis74): Buffer {
  const db = storage.database(0);
  const writer = new RdbFileWriter(version);
  const pieces = [
    Buffer.from(writer.head({ 'redis-ver': '7.2.0' })),
    Buffer.from(writer.library('#!lua name=l')),
  ];
  for (const { key, ref } of keysOf(db)) {
    pieces.push(Buffer.from(writer.key(0, key, dumpPayload(db, ref), db.expiry(ref) || null)));
  }
  return Buffer.concat([...pieces, writer.end()]);
}

/** What a file says that comes in pieces of these sizes. */
function read(file: Buffer, sizeOf: () => number): { items: RdbFileItem[]; reader: RdbFileReader } {
  const reader = new RdbFileReader();
  const items: RdbFileItem[] = [];
  for (let at = 0; at < file.length; ) {
    const size = Math.min(sizeOf(), file.length - at);
    reader.push(file.subarray(at, at + size));
    at += size;
    for (let item = reader.next(); item !== null; item = reader.next()) items.push(item);
  }
  return { items, reader };
}

describe('RDB files', () => {
  it(`hold what was put into them, in pieces of any size (HOLDFAST_SEED=${seed})`, async () => {
    const random = new SeededRandom(seed);
    const source = await randomValues(random, 1500);
    const file = fileOf(source);
    for (const sizeOf of [() => 1, () => 1 + randomBelow(random, 5000), () => file.length]) {
      const { items, reader } = read(file, sizeOf);
      reader.finish();
      expect(items.slice(0, 2)).toEqual([
        { kind: 'field', name: 'redis-ver', value: '7.2.0' },
        { kind: 'library', code: '#!lua name=l' },
      ]);
      const target = emptyDriver();
      for (const item of items) {
        if (item.kind === 'key') restore(target, item.name, item.payload, item.expiryMs ?? 0);
      }
      target.settle();
      expect(await contentOf(target)).toEqual(await contentOf(source));
    }
  });

  it('end where they end', () => {
    const writer = new RdbFileWriter();
    const file = Buffer.concat([Buffer.from(writer.head({})), writer.end()]);
    const { items, reader } = read(Buffer.concat([file, Buffer.from('*1\r\n')]), () => 7);
    expect([items, reader.isEnded, reader.rest.toString()]).toEqual([[], true, '*1\r\n']);
  });

  it('are refused when a byte is another one, or missing', async () => {
    const random = new SeededRandom(1);
    const file = fileOf(await randomValues(random, 300));
    for (let round = 0; round < 500; round++) {
      const damaged = Buffer.from(file);
      damaged[randomBelow(random, file.length)] ^= 1 << randomBelow(random, 8);
      expect(() => read(damaged, () => 1 << 16).reader.finish()).toThrow();
    }
    const { reader } = read(file.subarray(0, file.length - 1), () => 1 << 16);
    expect(() => reader.finish()).toThrow('cut short');
    expect(() => read(Buffer.from('RESP0011 and so on'), () => 4)).toThrow('not an RDB file');
    expect(() => read(Buffer.from('REDIS0099'), () => 4)).toThrow('version 99');
  });

  it('name the key of which they would have to be of a newer version', () => {
    const driver = emptyDriver();
    driver.set('k', 'v');
    const [{ key, ref }] = keysOf(driver.storage.database(0));
    const payload = dumpPayload(driver.storage.database(0), ref);
    expect(() => new RdbFileWriter(5).key(0, key, payload, null)).toThrow(/'k' needs version/);
  });
});
