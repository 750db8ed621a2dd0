import { systemEnv } from '@holdfast/common';
import { afterEach, describe, expect, it } from 'vitest';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { ScanRoom } from './scan-room.js';
import { Turns } from './turns.js';

let stack: LocalStack;

afterEach(() => stack.close());

async function openRoom(): Promise<{ readonly room: ScanRoom; readonly turns: Turns }> {
  const env = systemEnv();
  stack = await openLocalStack({ env, storage: 'memory', log: 'none', fsync: 'no' });
  const turns = new Turns(stack.coordinator, env.timers);
  return { room: new ScanRoom(turns, env.clock), turns };
}

describe('ScanRoom', () => {
  it('gives one scan a step in each turn: all had theirs in the same one, and held up everybody else', async () => {
    const { room, turns } = await openRoom();
    const steps: number[] = [];
    const scan = async (id: number): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await room.next();
        steps.push(id);
      }
    };
    const scans = [1, 2, 3].map(scan);
    for (let stepsBefore = 0; steps.length < 9; stepsBefore = steps.length) {
      await turns.next();
      expect(steps.length - stepsBefore).toBeLessThanOrEqual(1);
    }
    await Promise.all(scans);
    expect(steps).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
  });

  it('gives each scan less memory the more there are: a thousand that nobody read took gigabytes', async () => {
    const { room } = await openRoom();
    let keys = 0;
    let bytes = 0;
    const entered: Promise<void>[] = [];
    for (let i = 0; i < 1000; i++) {
      entered.push(room.enter());
      keys += room.keysMax;
      bytes += room.bytesMax;
    }
    await Promise.all(entered);
    expect(keys).toBeLessThan(10 * 65536);
    expect(bytes).toBeLessThan(160 * 2 ** 20);
    for (let i = 0; i < 999; i++) room.leave();
    expect(room.keysMax).toBe(65536);
  });
});
