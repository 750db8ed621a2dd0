import { KvError } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { valueTypes } from './collection.js';
import { collectionKinds, MutationReader, MutationWriter, mutationKinds } from './mutation.js';

type Field =
  | { kind: 'byte'; value: number }
  | { kind: 'number'; value: number }
  | { kind: 'uint32'; value: number }
  | { kind: 'field'; value: Buffer };

function randomField(random: SeededRandom): Field {
  switch (random.uint32() % 4) {
    case 0:
      return { kind: 'byte', value: random.uint32() & 0xff };
    case 1:
      return { kind: 'number', value: [0, -0, 1.5, -1e300, Number.POSITIVE_INFINITY][random.uint32() % 5] };
    case 2:
      return { kind: 'uint32', value: random.uint32() };
    default: {
      const length = random.uint32() % 10 === 0 ? random.uint32() % 5000 : random.uint32() % 40;
      return { kind: 'field', value: random.fill(Buffer.alloc(length)) };
    }
  }
}

function write(writer: MutationWriter, field: Field): void {
  if (field.kind === 'byte') writer.byte(field.value);
  else if (field.kind === 'number') writer.number(field.value);
  else if (field.kind === 'uint32') writer.uint32(field.value);
  else writer.field(field.value, 0, field.value.length);
}

function read(reader: MutationReader, kind: Field['kind']): number | Buffer {
  if (kind === 'byte') return reader.byte();
  if (kind === 'number') return reader.number();
  if (kind === 'uint32') return reader.uint32();
  reader.field();
  return Buffer.from(reader.bytes.subarray(reader.fieldStart, reader.fieldStart + reader.fieldLength));
}

describe('mutations', () => {
  it('come back as they were written, whatever the buffer had to grow to', () => {
    const seed = 7;
    const random = new SeededRandom(seed);
    const writer = new MutationWriter(16);
    const records = Array.from({ length: 500 }, () => ({
      kind: random.uint32() & 0xff,
      database: random.uint32() & 15,
      version: random.uint32() * 2 ** 21,
      key: random.fill(Buffer.alloc(random.uint32() % 30)),
      fields: Array.from({ length: random.uint32() % 6 }, () => randomField(random)),
    }));
    for (const { kind, database, version, key, fields } of records) {
      writer.begin(kind, database, version, key, 0, key.length);
      for (const field of fields) write(writer, field);
    }
    expect(writer.count).toBe(records.length);
    const reader = new MutationReader(writer.bytes.subarray(0, writer.length));
    for (const { kind, database, version, key, fields } of records) {
      expect(reader.next()).toBe(true);
      expect([reader.kind, reader.database, reader.version]).toEqual([kind, database, version]);
      expect(reader.bytes.subarray(reader.keyStart, reader.keyStart + reader.keyLength)).toEqual(key);
      for (const field of fields) expect(read(reader, field.kind)).toEqual(field.value);
    }
    expect(reader.next()).toBe(false);
  });

  it('that are cut short anywhere are reported, not misread', () => {
    const writer = new MutationWriter();
    writer.begin(mutationKinds.putString, 0, 9, Buffer.from('key'), 0, 3);
    writer.number(0);
    writer.byte(0);
    writer.field(Buffer.from('value'), 0, 5);
    for (let length = 1; length < writer.length; length++) {
      const reader = new MutationReader(writer.bytes.subarray(0, length));
      const readAll = (): void => {
        reader.next();
        reader.number();
        reader.byte();
        reader.field();
      };
      expect(readAll).toThrow(KvError);
    }
  });

  it('of collections have ranges of eight kinds, apart from those of keys', () => {
    const firsts = [1, 2, 3, 4, 5, 6].map(collectionKinds);
    expect(firsts).toEqual([16, 24, 32, 40, 48, 56]);
    expect(Math.max(...Object.values(mutationKinds))).toBeLessThan(collectionKinds(valueTypes.string));
  });

  it('leave a buffer of the usual size behind when a large batch is cleared', () => {
    const writer = new MutationWriter(1024);
    writer.field(Buffer.alloc(5 << 20), 0, 5 << 20);
    writer.clear();
    expect(writer.bytes.length).toBe(65536);
    expect([writer.length, writer.count]).toEqual([0, 0]);
  });

  it('counts elements of one owner, kind and version in one record, beyond 65,535 too, until another one begins', () => {
    const writer = new MutationWriter(16);
    const owner = {};
    const kind = collectionKinds(valueTypes.set);
    const key = Buffer.from('key');
    const begin = () => {
      writer.begin(kind, 0, 1, key, 0, key.length);
      writer.beginCount(owner, kind, 1);
      writer.field(key, 0, 1);
    };
    begin();
    for (let i = 1; i < 70_000; i++) {
      expect(writer.countOneMore(owner, kind, 1)).toBe(true);
      writer.field(key, 0, 1);
    }
    expect(writer.countOneMore({}, kind, 1)).toBe(false);
    expect(writer.countOneMore(owner, kind + 1, 1)).toBe(false);
    expect(writer.countOneMore(owner, kind, 2)).toBe(false);
    writer.endCount();
    expect(writer.countOneMore(owner, kind, 1)).toBe(false);
    begin();
    writer.clear();
    expect(writer.countOneMore(owner, kind, 1)).toBe(false);
    begin();
    writer.begin(mutationKinds.deleteKey, 0, 1, key, 0, key.length);
    expect(writer.countOneMore(owner, kind, 1)).toBe(false);
  });

  it('a count is what was counted', () => {
    const writer = new MutationWriter(16);
    const key = Buffer.from('key');
    writer.begin(9, 0, 1, key, 0, key.length);
    writer.beginCount(writer, 9, 1);
    for (let i = 1; i < 70_000; i++) writer.countOneMore(writer, 9, 1);
    const reader = new MutationReader(writer.bytes.subarray(0, writer.length));
    expect(reader.next()).toBe(true);
    expect(reader.uint32()).toBe(70_000);
  });
});
