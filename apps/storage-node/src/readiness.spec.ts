import { expect, it } from 'vitest';
import { readinessOf } from './readiness.js';

const leaseMs = 2000;
const wellOf = () => null;

it('is not ready with a shard whose state is not whole, nor with one that is not open', () => {
  const replicas = (role: 'starting' | 'follower') => [
    { shard: 's0', role: 'leader' as const, leaderlessMs: 0 },
    { shard: 's1', role, leaderlessMs: 0 },
  ];
  expect(readinessOf(null, replicas('follower'), leaseMs, wellOf)).toBeNull();
  expect(readinessOf(null, replicas('starting'), leaseMs, wellOf)).toBe('the state of s1 is not whole yet');
  expect(readinessOf('not opened', replicas('follower'), leaseMs, wellOf)).toBe('not opened');
  expect(readinessOf(null, [], leaseMs, wellOf)).toBeNull();
});

it('was ready with shards that took no writes, because nobody could lead them', () => {
  const replicas = (leaderlessMs: number) => [
    { shard: 's0', role: 'leader' as const, leaderlessMs: 0 },
    { shard: 's1', role: 'follower' as const, leaderlessMs },
  ];
  // As long as the lead may take to go elsewhere.
  expect(readinessOf(null, replicas(9000), leaseMs, wellOf)).toBeNull();
  expect(readinessOf(null, replicas(11_000), leaseMs, wellOf)).toBe(
    'nobody has led s1 for 10000 ms: is there a majority of etcd?',
  );
  expect(readinessOf(null, replicas(11_000), 4000, wellOf)).toBeNull();
});

it('was ready while its disk took nothing', () => {
  const replicas = ['s0', 's1'].map((shard) => ({ shard, role: 'follower' as const, leaderlessMs: 0 }));
  const failureOf = (shard: string) => (shard === 's1' ? new Error('no space') : null);
  expect(readinessOf(null, replicas, leaseMs, failureOf)).toBe('the disk takes nothing of s1: no space');
});
