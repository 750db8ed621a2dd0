import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { testBounds, underTest } from '../testing/broken-histories.js';
import { HistoryWriter, historyConformance, readAll } from '../testing/history-conformance.js';
import { MemoryHistory } from './memory-history.js';

describe('MemoryHistory', () => {
  for (const { name, run } of historyConformance) {
    it(name, () => run(underTest(new MemoryHistory(new SimulatedEnv().clock, () => testBounds, 100))));
  }
});

it('takes no more memory than it may, whatever is written', async () => {
  const bytes = 100_000;
  const history = new MemoryHistory(new SimulatedEnv().clock, () => ({ bytes, seconds: 0 }), 0);
  const writer = new HistoryWriter(underTest(history), 7);
  for (let i = 0; i < 400; i++) {
    await writer.commit(1 + (i % 5), i % 97 === 96 ? 60_000 : i % 900);
    expect(history.bytes).toBeLessThanOrEqual(bytes);
  }
  expect(history.oldest).toBeGreaterThan(0);
  expect((await readAll(history, history.oldest)).length).toBe(writer.after(history.oldest).length);
});

it('keeps nothing of a batch that is larger than all it may take, and says so', async () => {
  const history = new MemoryHistory(new SimulatedEnv().clock, () => ({ bytes: 1000, seconds: 0 }), 0);
  const writer = new HistoryWriter(underTest(history));
  await writer.commit(1);
  await writer.commit(1, 5000);
  expect(history.bytes).toBe(0);
  expect(history.oldest).toBe(history.newest);
  await expect(history.read(0)).rejects.toMatchObject({ code: 'COMPACTED', version: history.newest });
  await writer.commit(1);
  expect(await readAll(history, history.oldest)).toHaveLength(1);
});

it('drops at once what smaller bounds let go', async () => {
  const bounds = { bytes: 50_000, seconds: 0 };
  const history = new MemoryHistory(new SimulatedEnv().clock, () => bounds, 0);
  const writer = new HistoryWriter(underTest(history));
  for (let i = 0; i < 100; i++) await writer.commit(3, 50);
  bounds.bytes = 10_000;
  await history.read(history.newest);
  expect(history.bytes).toBeLessThanOrEqual(10_000);
  expect(await readAll(history, history.oldest)).toHaveLength(writer.after(history.oldest).length);
});
