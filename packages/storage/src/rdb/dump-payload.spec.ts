import { Request, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { stateOf } from '../testing/digest.js';
import { contentOf, emptyDriver, keysOf, randomValues, restore } from '../testing/rdb-values.js';
import { idOf } from '../testing/stream-text.js';
import { StreamIds } from '../values/stream-ids.js';
import { Crc64 } from './crc64.js';
import { dumpPayload, isPayload } from './dump-payload.js';
import { RdbReader } from './rdb-reader.js';
import { rdbTypes } from './rdb-types.js';
import { readValue } from './value-reader.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

function withChecksum(payload: Buffer): Buffer {
  new Crc64().update(payload, 0, payload.length - 8).writeTo(payload, payload.length - 8);
  return payload;
}

describe('payloads', () => {
  it(`build the values again that they were made of (HOLDFAST_SEED=${seed})`, async () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 5; round++) {
      const source = await randomValues(random, 1000);
      const target = emptyDriver();
      const db = source.storage.database(0);
      for (const { ref, key } of keysOf(db)) {
        const payload = dumpPayload(db, ref);
        expect(isPayload(payload)).toBe(true);
        restore(target, key, payload, db.expiry(ref));
      }
      target.settle();
      expect(await contentOf(target)).toEqual(await contentOf(source));
      // What was journaled leads to the same.
      const replica = emptyDriver();
      target.log.forEach((batch, i) => {
        replica.storage.apply(batch, i + 1);
      });
      expect(await contentOf(replica)).toEqual(await contentOf(target));
    }
  });

  it('keep the nodes of a stream apart whose entries would fit into one', async () => {
    const source = emptyDriver();
    let nodes = 0;
    source.change('stream', 'stream', (stream) => {
      for (let i = 1; i <= 150; i++) stream.append(idOf(`${i}`), Request.of('field', 'value'), 0, 2);
      stream.delete(StreamIds.of(...Array.from({ length: 60 }, (_, i) => idOf(`${i + 1}`))));
      nodes = stream.nodes.length;
    });
    source.settle();
    expect(nodes).toBe(2);
    const db = source.storage.database(0);
    const target = emptyDriver();
    const [{ ref, key }] = keysOf(db);
    restore(target, key, dumpPayload(db, ref), 0);
    target.settle();
    expect(await contentOf(target)).toEqual(await contentOf(source));
  });

  it('are refused when a bit, or the version, is another one', async () => {
    const source = await randomValues(new SeededRandom(1), 100);
    const db = source.storage.database(0);
    const [{ ref }] = keysOf(db);
    const payload = dumpPayload(db, ref);
    for (let i = 0; i < payload.length; i++) {
      const damaged = Buffer.from(payload);
      damaged[i] ^= 1 << (i & 7);
      expect(isPayload(damaged)).toBe(false);
    }
    const newer = Buffer.from(payload);
    newer.writeUInt16LE(13, newer.length - 10);
    expect(isPayload(withChecksum(newer))).toBe(false);
    expect(isPayload(payload.subarray(0, 9))).toBe(false);
  });

  it(`that are damaged and say that they are not are errors, or other values (HOLDFAST_SEED=${seed})`, async () => {
    const random = new SeededRandom(seed);
    const source = await randomValues(random, 1000);
    const db = source.storage.database(0);
    const payloads = keysOf(db).map(({ ref }) => Buffer.from(dumpPayload(db, ref)));
    const [target, again] = [emptyDriver(), emptyDriver()];
    const found = target.storage.database(0);
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      const payload = damage(Buffer.from(payloads[randomBelow(random, payloads.length)]), random);
      try {
        restore(target, Buffer.from('key'), payload, 0);
      } catch (error) {
        refused++;
        expect(error).toMatchObject({ name: 'KvError' });
        expect(found.size).toBe(0);
        expect(target.storage.releaseSome(Number.POSITIVE_INFINITY)).toBe(true);
        continue;
      }
      // It is a whole value: it can be written, and read again.
      restore(again, Buffer.from('key'), dumpPayload(found, keysOf(found)[0].ref), 0);
      expect(await contentOf(again)).toEqual(await contentOf(target));
      for (const driver of [target, again]) driver.delete('key');
    }
    expect(refused).toBeGreaterThan(500);
  });
});

/** Flips bytes, cuts pieces out, or puts some in: before the foot, which is made right again. */
function damage(payload: Buffer, random: SeededRandom): Buffer {
  const body = payload.length - 10;
  let damaged = payload;
  for (let i = 1 + randomBelow(random, 3); i > 0; i--)
    damaged[randomBelow(random, body)] = random.uint32() & 255;
  const at = randomBelow(random, body);
  const dice = randomBelow(random, 4);
  if (dice === 0) {
    const end = Math.min(body, at + 1 + randomBelow(random, 8));
    damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(end)]);
  } else if (dice === 1) {
    const more = random.fill(Buffer.alloc(1 + randomBelow(random, 8)));
    damaged = Buffer.concat([damaged.subarray(0, at), more, damaged.subarray(at)]);
  }
  return withChecksum(damaged);
}

/** Values as versions of Redis from 2.4 to 7.0 wrote them; hexadecimal, from Redis' own test files. */
const olderValues: readonly (readonly [string, number, string, string])[] = [
  ['a zipmap', rdbTypes.hashZipmap, '10020266310200763102663202007632ff', 'f1=v1 f2=v2'],
  [
    'a hash in a ziplist',
    rdbTypes.hashZiplist,
    '1b1b00000016000000040000026631040276310402663204027632ff',
    'f1=v1 f2=v2',
  ],
  [
    'a sorted set in a ziplist',
    rdbTypes.zsetZiplist,
    '191900000016000000040000036f6e6505f2020374776f05f3ff',
    'one:1 two:2',
  ],
  [
    'a sorted set with scores in digits',
    rdbTypes.zset,
    '03026363023230036363630332303002626203332e35',
    'bb:3.5 cc:20 ccc:200',
  ],
  [
    'a list in a ziplist',
    rdbTypes.listZiplist,
    '303000000025000000080000c0010004c0020004c0030004016103016203016303d0a086010006e000bca06501000000ff',
    '1 2 3 a b c 100000 6000000000',
  ],
  ['a list of ziplists', rdbTypes.listQuicklist, '010d0d0000000a000000010000f8ff', '7'],
  ['a list of elements', rdbTypes.list, '04c001c10080016103abcdef', '1 -32768 a \xab\xcd\xef'],
  ['a set of integers', rdbTypes.setIntset, '1002000000040000000100020003000400', '1 2 3 4'],
  [
    'a set of large integers',
    rdbTypes.setIntset,
    '38080000000600000000ca9a3b000000000094357700000000005ed0b20000000000286bee0000000000f2052a0100000000bca06501000000',
    '1000000000 2000000000 3000000000 4000000000 5000000000 6000000000',
  ],
];

describe('older forms', () => {
  it.each(olderValues)('reads %s', async (_name, type, hex, expected) => {
    const driver = emptyDriver();
    const db = driver.storage.database(0);
    const value = readValue(new RdbReader(Buffer.from(hex, 'hex')), type, db);
    const key = Buffer.from('key');
    db.find(key, 0, key.length);
    db.adopt(key, 0, key.length, value as Exclude<typeof value, Buffer>, 0);
    const [line] = await stateOf(driver.storage);
    expect(line.replace(/^.* x0 /, '')).toBe(expected);
  });

  it('reads a string that is compressed', () => {
    const driver = emptyDriver();
    const reader = new RdbReader(Buffer.from('c3094089016161e07c00016161', 'hex'));
    const value = readValue(reader, rdbTypes.string, driver.storage.database(0));
    expect(value.toString()).toBe('a'.repeat(137));
  });

  it.each([
    ['a type that does not exist', 8, '00'],
    ['a module', 7, '81000000000000000000'],
    ['a collection without elements', rdbTypes.set, '00'],
    ['a list of empty ziplists', rdbTypes.listQuicklist, '010b0b0000000a0000000000ff'],
    ['more elements than there are bytes', rdbTypes.list, '8affffffff0161'],
    ['a string that is longer than what is there', rdbTypes.string, '80fffffff061'],
    ['a compressed string of impossible length', rdbTypes.string, 'c30980ffffffff016161e07c00016161'],
    ['a member twice', rdbTypes.set, '0201610161'],
    ['a field twice', rdbTypes.hash, '020161016201610162'],
    ['a score that is no number', rdbTypes.zset, '010161fd'],
    ['an intset out of order', rdbTypes.setIntset, '0c020000000200000002000100'],
    ['half of a pair', rdbTypes.hashListpack, '0a0a000000010081610 2ff'.replace(' ', '')],
  ])('refuses %s', (_name, type, hex) => {
    const db = emptyDriver().storage.database(0);
    expect(() => readValue(new RdbReader(Buffer.from(hex, 'hex')), type, db)).toThrow('damaged RDB data');
  });
});
