/**
 * Power cuts at random operations, thousands of them: what was known to be on the disk (with `always`: what
 * was committed) is there afterwards, in order, whole, and what is there was appended. A cut alone never keeps
 * a log from opening.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { FileLog } from './file-log.js';
import type { FsyncPolicy } from './group-commit.js';
import { batchOf, entriesOf } from './testing/assertions.js';
import { SimulatedDisk } from './testing/simulated-disk.js';

/** Raise it for a long search: 4,000 take three minutes. */
const seedCount = 300;
const livesPerSeed = 4;

/** What the log may and must hold. */
class Model {
  /** By position: the bytes last appended there. */
  readonly batches: Uint8Array[] = [new Uint8Array(0)];
  durable = 0;
  trimmedBefore = 1;
}

async function use(
  log: FileLog,
  env: SimulatedEnv,
  model: Model,
  random: Random,
  epoch: number,
): Promise<void> {
  for (;;) {
    const choice = randomBelow(random, 30);
    if (choice === 0 && model.durable > 0) {
      model.trimmedBefore = Math.max(model.trimmedBefore, 1 + randomBelow(random, model.durable));
      await log.trim(model.trimmedBefore);
      continue;
    }
    if (choice === 1) return log.close();
    if (choice < 4) env.advance(500);
    const appends: Promise<void>[] = [];
    for (let i = randomBelow(random, 5); i >= 0; i--) {
      const position = model.batches.length;
      const batch = batchOf(random.uint32(), randomBelow(random, randomBelow(random, 4) === 0 ? 3000 : 120));
      if (randomBelow(random, 3) === 0) batch.fill(0, batch.length >> 1);
      model.batches.push(batch);
      appends.push(
        log.append(batch, position - 1, epoch).then((outcome) => {
          if (outcome.kind !== 'committed') return;
          if (log.fsync === 'always') expect(log.durablePosition).toBeGreaterThanOrEqual(outcome.position);
          model.durable = log.durablePosition;
        }),
      );
    }
    await Promise.all(appends);
  }
}

async function check(log: FileLog, model: Model): Promise<void> {
  const tail = await log.tail();
  const head = await log.head();
  expect(tail).toBeGreaterThanOrEqual(model.durable);
  expect(head).toBeLessThanOrEqual(model.trimmedBefore);
  let next = head;
  for (const { position, batch } of await entriesOf(log, head)) {
    expect(position).toBe(next++);
    expect(Buffer.compare(batch, model.batches[position])).toBe(0);
  }
  expect(next).toBe(tail + 1);
  // What was found at opening is durable: the next crash must not take it.
  model.durable = tail;
  model.batches.length = tail + 1;
}

async function live(seed: number, fsync: FsyncPolicy): Promise<void> {
  const random = new SeededRandom(seed);
  const disk = new SimulatedDisk(seed);
  const model = new Model();
  for (let life = 1; life <= livesPerSeed; life++) {
    const powerOff = disk.powerOffAfter(1 + randomBelow(random, life === 2 ? 30 : 250));
    const running = (async () => {
      for (;;) {
        const env = new SimulatedEnv(random.uint32());
        const log = await FileLog.open({ disk, env, directory: '/log', fsync, segmentBytes: 4096 });
        await check(log, model);
        await use(log, env, model, random, life);
      }
    })();
    let failure: unknown = null;
    await Promise.race([
      powerOff,
      running.catch((error) => {
        failure = error;
      }),
    ]);
    await new Promise(setImmediate);
    if (failure !== null && !String(failure).includes('power is off')) throw failure;
    disk.crash();
  }
  const log = await FileLog.open({
    disk,
    env: new SimulatedEnv(),
    directory: '/log',
    fsync: 'always',
    segmentBytes: 4096,
  });
  await check(log, model);
  await log.close();
}

describe.each(['always', 'everysec', 'no'] as const)('FileLog and power cuts, fsync %s', (fsync) => {
  it(`${seedCount * livesPerSeed} crashes at random operations lose nothing that was on the disk`, async () => {
    for (let seed = 1; seed <= seedCount; seed++) {
      await live(seed, fsync).catch((error) => {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
      });
    }
  }, 3_600_000);
});
