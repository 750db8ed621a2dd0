import type { CommandUnit } from '@holdfast/engine';
import { expect, it } from 'vitest';
import { UnitBytes } from './unit-bytes.js';

/** A unit of inline commands, each in a database. */
function unitOf(commands: readonly [database: number, text: string][], isAtomic = true): CommandUnit {
  const starts = [0];
  for (const [, text] of commands) starts.push(starts.at(-1)! + text.length);
  return {
    count: commands.length,
    bytes: Buffer.from(commands.map(([, text]) => text).join('')),
    isAtomic,
    database: (i) => commands[i][0],
    start: (i) => starts[i],
  };
}

function encoded(unitBytes: UnitBytes, unit: CommandUnit, selectsFirst = false): string {
  unitBytes.encode(unit, selectsFirst);
  const text = unitBytes.bytes.subarray(0, unitBytes.length).toString('latin1');
  return text.replace(/\*\d+\r\n/g, '').replace(/\$\d+\r\n(\w+)\r\n/g, '$1 ');
}

it('says the database when it is another one, and when nobody may know it', () => {
  const unitBytes = new UnitBytes();
  expect(encoded(unitBytes, unitOf([[0, 'a ']]))).toBe('SELECT 0 a ');
  expect(encoded(unitBytes, unitOf([[0, 'b ']]))).toBe('b ');
  expect(encoded(unitBytes, unitOf([[15, 'c ']]))).toBe('SELECT 15 c ');
  unitBytes.forgetDatabase();
  expect(encoded(unitBytes, unitOf([[15, 'd ']]))).toBe('SELECT 15 d ');
});

it('makes a transaction of what nobody may see a part of', () => {
  const two: [number, string][] = [
    [0, 'a '],
    [1, 'b '],
  ];
  expect(encoded(new UnitBytes(), unitOf(two))).toBe('MULTI SELECT 0 a SELECT 1 b EXEC ');
  expect(encoded(new UnitBytes(), unitOf(two), true)).toBe('SELECT 0 MULTI a SELECT 1 b EXEC ');
  expect(encoded(new UnitBytes(), unitOf(two, false))).toBe('SELECT 0 a SELECT 1 b ');
});

it('grows with a command that is long', () => {
  const unitBytes = new UnitBytes();
  const long = 'x'.repeat(100_000);
  expect(encoded(unitBytes, unitOf([[0, long]]))).toBe(`SELECT 0 ${long}`);
});
