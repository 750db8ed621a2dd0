import { expect, it } from 'vitest';
import { SyncGauge } from './sync-gauge.js';

/** A gauge over a disk whose syncs take `syncMs`, on a clock of its own. */
function gaugeOf(maxMs: number) {
  const disk = { nowMs: 0, syncMs: 0.2, sync: () => (disk.nowMs += disk.syncMs) };
  const gauge = new SyncGauge({ now: () => disk.nowMs, monotonic: () => disk.nowMs }, maxMs);
  /** Syncs at once as often as the gauge takes it; how often that was, `count` at most. */
  const syncAtOnce = (count: number): number => {
    let done = 0;
    for (; done < count && gauge.isInline; done++) gauge.measure(disk.sync);
    return done;
  };
  return { disk, gauge, syncAtOnce };
}

it('syncs at once while that is fast, over a few stalls too', () => {
  const { disk, syncAtOnce } = gaugeOf(1);
  expect(syncAtOnce(100)).toBe(100);
  disk.syncMs = 500;
  expect(syncAtOnce(3)).toBe(3);
  disk.syncMs = 0.2;
  expect(syncAtOnce(100)).toBe(100);
});

it('never does with a limit of 0', () => {
  expect(gaugeOf(0).gauge.isInline).toBe(false);
});

it('stops on a slow disk after few syncs, and tries again less and less often', () => {
  const { disk, gauge, syncAtOnce } = gaugeOf(1);
  disk.syncMs = 10;
  const pauses: number[] = [];
  for (let trial = 0; trial < 7; trial++) {
    expect(syncAtOnce(100)).toBeLessThan(10);
    const fromMs = disk.nowMs;
    while (!gauge.isInline) disk.nowMs += 10;
    pauses.push(disk.nowMs - fromMs);
  }
  expect(pauses).toEqual([50, 100, 200, 400, 800, 1000, 1000]);
});

it('forgets that the disk was slow once it was fast for a second', () => {
  const { disk, gauge, syncAtOnce } = gaugeOf(1);
  disk.syncMs = 10;
  for (let trial = 0; trial < 5; trial++) {
    syncAtOnce(100);
    disk.nowMs += 1000;
  }
  disk.syncMs = 0.2;
  expect(syncAtOnce(6000)).toBe(6000);
  disk.syncMs = 10;
  syncAtOnce(100);
  disk.nowMs += 50;
  expect(gauge.isInline).toBe(true);
});
