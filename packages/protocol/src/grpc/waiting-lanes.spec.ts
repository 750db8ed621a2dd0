import type { Session } from '@holdfast/coord';
import { expect, it } from 'vitest';
import { Lane } from './lane.js';
import { waitingMax } from './limits.js';
import { WaitingLanes } from './waiting-lanes.js';

function laneOf(isOnItsWay = false): Lane {
  const lane = new Lane({ outputBytes: 0, finish: () => {}, fail: () => {} });
  lane.session = { isOnItsWay } as Session;
  return lane;
}

it('finds lanes by the id of their command, and one for each', () => {
  const waiting = new WaitingLanes();
  const [a, b] = [laneOf(), laneOf()];
  expect(waiting.add(a, 'x', 1)).toBeNull();
  expect(waiting.add(b, 'x', 1)).toBe('INVALID a command of this id is waiting');
  expect([waiting.get('x'), waiting.has(a), waiting.has(b)]).toEqual([a, true, false]);
  waiting.remove(a);
  expect([waiting.get('x'), waiting.size]).toEqual([undefined, 0]);
  expect(waiting.add(b, 'x', 1)).toBeNull();
});

it('lets so many wait for keys, however many replies are on their way', () => {
  const waiting = new WaitingLanes();
  const lanes = Array.from({ length: 10 }, () => laneOf(true));
  for (const [i, lane] of lanes.entries()) waiting.add(lane, `way ${i}`, 1);
  for (let i = 0; i < waitingMax; i++) expect(waiting.add(laneOf(), String(i), 1)).toBeNull();
  expect(waiting.add(laneOf(), 'more', 1)).toContain('LIMIT');
  expect(waiting.add(laneOf(true), 'more', 1)).toBeNull();
  expect(waiting.onTheirWay).toBe(11);
  for (const lane of lanes) waiting.remove(lane);
  expect(waiting.onTheirWay).toBe(1);
  expect(waiting.add(laneOf(), 'one too many', 1)).toContain('LIMIT');
});
