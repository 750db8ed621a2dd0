import { expect, it } from 'vitest';
import { ShardsReadiness } from './readiness.js';

it('takes clients once every shard was reached, and then as long as any is', () => {
  let reached: Record<string, boolean> = {};
  const clock = { nowMs: 0, monotonic: () => clock.nowMs };
  const readiness = new ShardsReadiness(clock, () =>
    Object.entries(reached).map(([name, isReached]) => ({ name, channel: isReached ? {} : null })),
  );
  expect(readiness.refusal).toBe('the cluster has no shards yet');
  reached = { s0: true, s1: false };
  expect(readiness.refusal).toBe('no leader of s1 is known');
  reached = { s0: true, s1: true };
  expect(readiness.refusal).toBeNull();
  // The same at all gateways: they can't all be taken out of the load balancer for it.
  reached = { s0: true, s1: false };
  expect(readiness.refusal).toBeNull();
  // A change of leaders is no reason.
  reached = { s0: false, s1: false };
  expect(readiness.refusal).toBeNull();
  clock.nowMs += 9000;
  expect(readiness.refusal).toBeNull();
  reached = { s0: true, s1: false };
  expect(readiness.refusal).toBeNull();
  reached = { s0: false, s1: false };
  expect(readiness.refusal).toBeNull();
  clock.nowMs += 9000;
  expect(readiness.refusal).toBeNull();
  clock.nowMs += 2000;
  expect(readiness.refusal).toBe('no leader of s0, s1 is known');
});
