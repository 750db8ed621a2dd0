/** Scripts that take more than a turn, at the shards of a gateway. */
import { beforeEach, expect, it, vi } from 'vitest';
import { type PipeClient, TestCluster } from '../testing/test-cluster.js';

const slow = (result: string): string[] => [
  'EVAL',
  `local n = 0 for i = 1, 3e6 do n = n + i % 3 end ${result}`,
  '1',
  'a',
];

let cluster: TestCluster;
let client: PipeClient;
let timesSuspended = 0;

/** By the clock that scripts are measured by each look at it takes 10 ms. */
beforeEach(() => {
  timesSuspended = 0;
  cluster = new TestCluster({ nodes: 1, shards: 2 });
  client = cluster.client();
  client.run('CONFIG SET busy-reply-threshold 100');
  for (const { leader } of cluster.shards) {
    const { kv } = leader!.coordinator;
    const { clock } = kv.env;
    const suspend = kv.host.suspend.bind(kv.host);
    let spentMs = 0;
    const slowed = { now: () => clock.now(), monotonic: () => clock.monotonic() + (spentMs += 10) };
    vi.spyOn(kv.host, 'suspend').mockImplementation((session) => {
      timesSuspended++;
      suspend(session);
    });
    Object.assign(kv, { env: Object.create(kv.env, { clock: { value: slowed } }) });
  }
});

/** Runs turns until the client has so many replies. */
function replies(first: readonly string[], count: number): string[] {
  const found = [...first];
  for (let turns = 0; turns < 10_000 && found.length < count; turns++) {
    cluster.env.advance(0);
    found.push(...client.take());
  }
  return found;
}

it('are answered in their place: their replies were lost, and their clients waited for ever', () => {
  const first = client.run('SET a 1', slow('return 7'), 'GET a', slow('return redis.call("X")'));
  const found = replies(first, 4);
  expect(timesSuspended).toBeGreaterThanOrEqual(2);
  expect(found.slice(0, 3)).toEqual(['+OK', ':7', '$"1"']);
  expect(found[3]).toMatch(/^-ERR Unknown Redis command called from script/);
  expect(client.run('GET a')).toEqual(['$"1"']);
});

it('are answered with the rest of their transaction', () => {
  const first = client.run('MULTI', 'SET a 1', slow('return 7'), 'INCR a', slow('return 8'), 'GET a', 'EXEC');
  expect(replies(first, 7)[6]).toBe('*[+OK, :7, :2, :8, $"2"]');
  expect(timesSuspended).toBeGreaterThanOrEqual(2);
  expect(client.run('GET a')).toEqual(['$"2"']);
});
