import { expect, it } from 'vitest';
import { readinessOf } from './readiness.js';

it('is not ready with a shard whose state is not whole, nor with one that is not open', () => {
  const replicas = (role: 'starting' | 'follower') => [
    { shard: 's0', role: 'leader' as const },
    { shard: 's1', role },
  ];
  expect(readinessOf(null, replicas('follower'))).toBeNull();
  expect(readinessOf(null, replicas('starting'))).toBe('the state of s1 is not whole yet');
  expect(readinessOf('not opened', replicas('follower'))).toBe('not opened');
  expect(readinessOf(null, [])).toBeNull();
});
