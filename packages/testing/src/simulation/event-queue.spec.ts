import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { EventQueue } from './event-queue.js';

const nothing = () => {};

it('gives events in order of time, then of scheduling', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new SeededRandom(seed);
    const queue = new EventQueue();
    const added: { atMs: number; order: number }[] = [];
    const taken: { atMs: number; order: number }[] = [];
    let nowMs = 0;
    const take = () => {
      const event = queue.take();
      if (event === undefined) return;
      nowMs = event.atMs;
      taken.push(event);
    };
    for (let i = 0; i < 300; i++) {
      if (randomBelow(random, 3) === 0) take();
      else added.push(queue.add(nowMs + randomBelow(random, 10), null, nothing));
    }
    while (queue.peek() !== undefined) take();
    expect(taken).toEqual([...added].sort((a, b) => a.atMs - b.atMs || a.order - b.order));
  }
});

it('gives an event that was put back before others of the same time', () => {
  const queue = new EventQueue();
  const [first, second] = [queue.add(1, null, nothing), queue.add(2, null, nothing)];
  queue.take();
  queue.take();
  const later = queue.add(5, null, nothing);
  queue.addAgain(first, 5);
  queue.addAgain(second, 5);
  expect([queue.take(), queue.take(), queue.take()]).toEqual([first, second, later]);
});
