import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { TickQueue } from './tick-queue.js';

describe('TickQueue', () => {
  it('passes on what was added during a tick, in one go and in order', () => {
    const env = new SimulatedEnv();
    const flushed: number[][] = [];
    const queue = new TickQueue<number>(env.timers, (items) => flushed.push([...items]));
    for (const item of [1, 2, 3]) queue.add(item);
    expect(flushed).toEqual([]);
    env.advance(0);
    queue.add(4);
    env.advance(0);
    expect(flushed).toEqual([[1, 2, 3], [4]]);
  });

  it('takes what is added while it passes on', () => {
    const env = new SimulatedEnv();
    const flushed: number[][] = [];
    const queue = new TickQueue<number>(env.timers, (items) => {
      flushed.push([...items]);
      if (items.includes(1)) queue.add(2);
    });
    queue.add(1);
    env.advance(0);
    env.advance(0);
    expect(flushed).toEqual([[1], [2]]);
  });
});
