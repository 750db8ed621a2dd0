/** What the conformance suites append, and what they expect to find. */
import assert from 'node:assert/strict';
import { SeededRandom } from '@holdfast/common/testing';
import type { AppendOutcome, Log, LogEntry, Position } from '../log.js';

/** Bytes that differ from position to position. */
export function batchOf(seed: number, length: number): Uint8Array {
  return new SeededRandom(seed).fill(new Uint8Array(length));
}

export async function entriesOf(log: Log, from: Position): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const entry of log.read(from)) entries.push(entry);
  return entries;
}

/** Appends `count` batches after the tail, one at a time. */
export async function appendMany(log: Log, count: number, epoch = 1, length = 100): Promise<void> {
  for (let i = 0, after = await log.tail(); i < count; i++, after++) {
    assertCommitted(await log.append(batchOf(after + 1, length), after, epoch), after + 1);
  }
}

export function assertCommitted(outcome: AppendOutcome, position: Position): void {
  assert.deepEqual(outcome, { kind: 'committed', position });
}

export function assertRefused(outcome: AppendOutcome, reason: string, tail: Position): void {
  assert.equal(outcome.kind, 'refused');
  assert.deepEqual(outcome, { kind: 'refused', reason, tail });
}

/** The log holds exactly what `appendMany` put at `from` to `to`. */
export async function assertHolds(log: Log, from: Position, to: Position, length = 100): Promise<void> {
  assert.equal(await log.tail(), to);
  assert.equal(log.committedPosition, to);
  const entries = await entriesOf(log, from);
  assert.deepEqual(
    entries.map(({ position }) => position),
    Array.from({ length: to - from + 1 }, (_, i) => from + i),
  );
  for (const { position, batch } of entries) assertSame(batch, batchOf(position, length), position);
}

export function assertSame(actual: Uint8Array, expected: Uint8Array, position: Position): void {
  assert.ok(Buffer.compare(actual, expected) === 0, `the batch at position ${position} is another one`);
}

export async function assertThrows(code: string, run: () => Promise<unknown>): Promise<void> {
  await assert.rejects(run, (error: { code?: unknown }) => error.code === code);
}
