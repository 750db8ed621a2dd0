import { describe, expect, it } from 'vitest';
import { CommandTimes } from './command-figures.js';

function timesOf(...usecs: number[]): CommandTimes {
  const times = new CommandTimes();
  for (const usec of usecs) times.record(usec / 1000, true);
  return times;
}

describe('CommandTimes', () => {
  it('has nothing to say before the first call', () => {
    const times = new CommandTimes();
    expect(times.hasHistogram).toBe(false);
    expect(times.percentile(50)).toBe(0);
    expect(times.cumulative()).toEqual([]);
  });

  it('is right within a sixteenth at every percentile', () => {
    const usecs = Array.from({ length: 1000 }, (_, i) => 3 + i * i);
    const times = timesOf(...usecs);
    for (const percent of [1, 10, 50, 90, 99, 99.9, 100]) {
      const exact = usecs[Math.ceil((percent / 100) * usecs.length) - 1];
      expect(times.percentile(percent)).toBeGreaterThanOrEqual(exact);
      expect(times.percentile(percent)).toBeLessThanOrEqual(exact * (17 / 16) + 1);
    }
  });

  it('keeps times beyond its range in the last bucket', () => {
    const times = timesOf(0, 1e12);
    expect(times.percentile(50)).toBe(0);
    expect(times.percentile(100)).toBe(2 ** 30 - 1);
    expect(times.cumulative().at(-1)).toEqual([2 ** 30, 2]);
  });

  it('sums without a histogram when none is wanted', () => {
    const times = new CommandTimes();
    times.record(2, false);
    expect([times.count, times.usec, times.hasHistogram]).toEqual([1, 2000, false]);
  });
});
