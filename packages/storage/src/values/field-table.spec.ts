import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { Arena } from '../arena.js';
import { FieldDict, inlineBytesMax } from './field-dict.js';
import { type Entry, EntryView, type FieldTable } from './field-table.js';
import { IntegerTable } from './integer-table.js';
import { PackedFields } from './packed-fields.js';

const view = new EntryView();

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function fieldAt(table: FieldTable, entry: Entry): string {
  table.read(entry, view);
  return Buffer.from(view.bytes.subarray(view.start, view.start + view.length)).toString('latin1');
}

function valueAt(table: FieldTable, entry: Entry): string {
  table.read(entry, view);
  const { valueBytes, valueStart, valueLength } = view;
  return Buffer.from(valueBytes.subarray(valueStart, valueStart + valueLength)).toString('latin1');
}

function find(table: FieldTable, field: string): Entry {
  return table.find(bytesOf(field), 0, field.length);
}

function add(table: FieldTable, field: string, value: string): Entry {
  expect(find(table, field)).toBe(0);
  return table.add(bytesOf(field), 0, field.length, bytesOf(value), 0, value.length);
}

function fieldsOf(table: FieldTable): string[] {
  const fields: string[] = [];
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) fields.push(fieldAt(table, entry));
  return fields;
}

function scanAll(table: FieldTable, count: number): string[] {
  const fields: string[] = [];
  let cursor = 0;
  do {
    const page: Entry[] = [];
    cursor = table.scan(cursor, count, page);
    for (const entry of page) fields.push(fieldAt(table, entry));
  } while (cursor !== 0);
  return fields;
}

interface Kept {
  value: string;
  expiryMs: number;
}

function checkAll(table: PackedFields | FieldDict, model: Map<string, Kept>): void {
  expect(table.size).toBe(model.size);
  expect(fieldsOf(table).sort()).toEqual([...model.keys()].sort());
  expect(scanAll(table, 7).sort()).toEqual([...model.keys()].sort());
  for (const [field, { value, expiryMs }] of model) {
    const entry = find(table, field);
    expect(valueAt(table, entry)).toBe(value);
    expect(table.expiry(entry)).toBe(expiryMs);
  }
  const expiries = [...model.values()].map(({ expiryMs }) => expiryMs).filter((ms) => ms !== 0);
  expect(table.earliestExpiryMs).toBeLessThanOrEqual(Math.min(...expiries));
  if (expiries.length === 0) expect(table.earliestExpiryMs).toBe(Number.POSITIVE_INFINITY);
}

const tables = [
  ['PackedFields', (arena: Arena) => new PackedFields(arena)],
  ['FieldDict', (arena: Arena) => new FieldDict(arena, 7)],
] as const;

describe.each(tables)('%s', (name, create) => {
  const isPacked = name === 'PackedFields';

  it.each([1, 2, 3, 4])('agrees with a map, and gives back all it took (seed %i)', (seed) => {
    const { random } = new SimulatedEnv(seed);
    const below = (n: number) => random.uint32() % n;
    const arena = new Arena();
    const table = create(arena);
    const model = new Map<string, Kept>();
    const lengths = [0, 1, 5, 20, 100, 253, 254, 300, ...(isPacked ? [70_000] : [inlineBytesMax + 1])];
    const textOf = (length: number) => String.fromCharCode(97 + below(26)).repeat(length);
    let nowMs = 1000;
    for (let i = 0; i < 1500; i++) {
      const field = 'f'.repeat(lengths[below(8)]) + below(60);
      const value = textOf(lengths[below(100) === 0 ? 8 : below(8)]);
      const entry = find(table, field);
      const kept = model.get(field);
      expect(entry !== 0).toBe(kept !== undefined);
      const action = below(100);
      if (kept === undefined) {
        const added = add(table, field, value);
        expect(fieldAt(table, added)).toBe(field);
        model.set(field, { value, expiryMs: 0 });
      } else if (action < 40) {
        table.setValue(entry, bytesOf(value), 0, value.length);
        kept.value = value;
      } else if (action < 75) {
        table.remove(entry);
        model.delete(field);
      } else if (action < 99 || isPacked) {
        kept.expiryMs = below(4) === 0 ? 0 : nowMs + 1 + below(100);
        expect(valueAt(table, table.setExpiry(entry, kept.expiryMs))).toBe(kept.value);
      }
      if (below(50) === 0) {
        nowMs += below(60);
        for (let due = table.nextExpired(nowMs); due !== 0; due = table.nextExpired(nowMs)) {
          const expired = fieldAt(table, due);
          expect(model.get(expired)?.expiryMs).toBeLessThanOrEqual(nowMs);
          table.remove(due);
          model.delete(expired);
        }
        for (const { expiryMs } of model.values()) expect(expiryMs === 0 || expiryMs > nowMs).toBe(true);
      }
      if (i % 100 === 0) checkAll(table, model);
    }
    checkAll(table, model);
    while (!table.release(10));
    expect(arena.usedBytes).toBe(0);
  });

  it('draws every field about equally often', () => {
    const { random } = new SimulatedEnv(5);
    const table = create(new Arena());
    for (let i = 0; i < 40; i++) add(table, `field${i}`, '');
    const counts = new Map<string, number>();
    for (let i = 0; i < 40_000; i++) {
      const field = fieldAt(
        table,
        table.random(() => random.uint32()),
      );
      counts.set(field, (counts.get(field) ?? 0) + 1);
    }
    expect(counts.size).toBe(40);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(160);
  });
});

describe('PackedFields', () => {
  it('keeps fields in the order in which they were added, whatever happens to their values', () => {
    const table = new PackedFields(new Arena());
    for (const field of ['c', 'a', 'b']) add(table, field, 'x');
    const entry = find(table, 'a');
    table.setValue(entry, bytesOf('long'.repeat(100)), 0, 400);
    table.setExpiry(find(table, 'c'), 1234);
    expect(fieldsOf(table)).toEqual(['c', 'a', 'b']);
    expect(valueAt(table, find(table, 'a'))).toBe('long'.repeat(100));
  });

  it('does not lose the end of a field when its value shrinks below what its length was coded in', () => {
    const table = new PackedFields(new Arena());
    add(table, 'field', 'v'.repeat(300));
    add(table, 'next', 'w');
    table.setValue(find(table, 'field'), bytesOf(''), 0, 0);
    expect(fieldsOf(table)).toEqual(['field', 'next']);
    expect(valueAt(table, find(table, 'next'))).toBe('w');
  });
});

describe('FieldDict', () => {
  it.each([1, 2, 3])('returns from a scan whatever was there all the time (seed %i)', (seed) => {
    const { random } = new SimulatedEnv(seed);
    const below = (n: number) => random.uint32() % n;
    const table = new FieldDict(new Arena(), 7);
    const steady = new Set<string>();
    for (let i = 0; i < 500; i++) {
      steady.add(`steady${i}`);
      add(table, `steady${i}`, 'v');
    }
    const seen = new Set<string>();
    let churned = 0;
    let cursor = 0;
    do {
      const page: Entry[] = [];
      cursor = table.scan(cursor, 10, page);
      for (const entry of page) seen.add(fieldAt(table, entry));
      // The table grows to several times its size and shrinks back while it is scanned.
      const target = below(2) === 0 ? below(3000) : 0;
      for (; churned < target; churned++) add(table, `churn${churned}`, 'v');
      for (; churned > target; churned--) table.remove(find(table, `churn${churned - 1}`));
    } while (cursor !== 0);
    for (const field of steady) expect(seen).toContain(field);
  });

  it('knows when all fields have expired', () => {
    const table = new FieldDict(new Arena(), 7);
    for (let i = 0; i < 100; i++) table.setExpiry(add(table, `field${i}`, 'v'), 1000 + i);
    expect(table.hasExpired(1098)).toBe(false);
    expect(table.hasExpired(1099)).toBe(true);
    const other = add(table, 'other', 'v');
    expect(table.hasExpired(2000)).toBe(false);
    table.remove(other);
    expect(table.hasExpired(2000)).toBe(true);
  });

  it('leaves no entries behind for a field whose expiry changes again and again', () => {
    const table = new FieldDict(new Arena(), 7);
    add(table, 'field', 'v');
    for (let i = 0; i < 1000; i++) {
      table.setExpiry(find(table, 'field'), 5000 + (i % 7) * 10);
      if (i % 3 === 0) table.setValue(find(table, 'field'), bytesOf('v'.repeat(i % 90)), 0, i % 90);
    }
    expect(table.queuedExpiries).toBeLessThan(100);
  });
});

describe('IntegerTable', () => {
  const numbers = [
    0,
    1,
    -1,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 32,
    2 ** 53 - 1,
    -(2 ** 53) + 1,
  ].map(String);
  const extremes = [
    '9007199254740993',
    '9223372036854775807',
    '-9223372036854775808',
    '-9223372036854775807',
  ];

  it('keeps integers of 64 bits sorted and exact', () => {
    const arena = new Arena();
    const table = new IntegerTable(arena);
    for (const member of [...numbers, ...extremes]) {
      expect(find(table, member)).toBe(0);
      expect(table.canAdd).toBe(true);
      table.add();
    }
    const sorted = [...numbers, ...extremes].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    expect(fieldsOf(table)).toEqual(sorted);
    expect(scanAll(table, 1)).toEqual(sorted);
    for (const member of sorted) expect(fieldAt(table, find(table, member))).toBe(member);
    table.release(1);
    expect(arena.usedBytes).toBe(0);
  });

  it.each(['', 'a', '01', '-0', '+1', ' 1', '1 ', '1.0', '9223372036854775808', '-9223372036854775809'])(
    'takes %j for no integer',
    (member) => {
      const table = new IntegerTable(new Arena());
      expect(find(table, member)).toBe(0);
      expect(table.canAdd).toBe(false);
    },
  );

  it.each([1, 2])('agrees with a sorted array (seed %i)', (seed) => {
    const { random } = new SimulatedEnv(seed);
    const arena = new Arena();
    const table = new IntegerTable(arena);
    const model = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      const n = ((random.uint32() % 300) - 150) * (random.uint32() % 2 === 0 ? 1 : 0x40000001);
      const entry = find(table, String(n));
      expect(entry !== 0).toBe(model.has(n));
      if (entry === 0) {
        table.add();
        model.add(n);
      } else if (random.uint32() % 3 !== 0) {
        table.remove(entry);
        model.delete(n);
      }
      if (i % 100 === 0) expect(fieldsOf(table).map(Number)).toEqual([...model].sort((a, b) => a - b));
    }
    for (const n of model) table.remove(find(table, String(n)));
    expect(arena.usedBytes).toBe(0);
  });
});
