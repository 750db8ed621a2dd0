import { expect, it } from 'vitest';
import { TestCluster } from '../testing/test-cluster.js';

/** What a monitor was shown since, without times and addresses. */
const shown = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/^.*\] /, ''));

it('shows and counts a command of a gateway once, whoever answers it', () => {
  const cluster = new TestCluster({ nodes: 2, shards: 2 });
  const [monitor, client] = [cluster.client(), cluster.client(3)];
  expect(monitor.run('MONITOR')).toEqual(['+OK']);
  const asked = [
    ...['PING', 'GET k', 'MGET a b c', 'SCAN 0', 'DBSIZE', 'READONLY', 'INFO', 'INFO server'],
    ...[
      'SUBSCRIBE news',
      'SUBSCRIBE news',
      'UNSUBSCRIBE news',
      'PSUBSCRIBE n*',
      'PUNSUBSCRIBE',
      'SSUBSCRIBE k',
    ],
    ...['PUBLISH news 1', 'WATCH k', 'UNWATCH', 'MULTI', 'EXEC', 'CLIENT TRACKING off', 'CLIENT TRACKING on'],
  ];
  for (const line of asked) client.run(line);
  const expected = asked.map((line) =>
    line
      .split(' ')
      .map((word) => `"${word}"`)
      .join(' '),
  );
  expect(shown(monitor.take())).toEqual(expected);
  const [figures] = client.run('INFO commandstats');
  for (const [name, calls] of [
    ['get', 1],
    ['info', 2],
    ['subscribe', 2],
    ['unwatch', 1],
  ])
    expect(figures).toContain(`cmdstat_${name}:calls=${calls},`);
});

it('shows what is in a transaction of a gateway before its EXEC', () => {
  const cluster = new TestCluster({ nodes: 2, shards: 2 });
  const [monitor, client] = [cluster.client(), cluster.client()];
  monitor.run('MONITOR');
  client.run('MULTI', 'SET k 1', 'GET k', 'EXEC', 'MULTI', 'SET k 2', 'DISCARD', 'MULTI', 'NOSUCH', 'EXEC');
  expect(shown(monitor.take())).toEqual([
    ...['"MULTI"', '"SET" "k" "1"', '"GET" "k"', '"EXEC"'],
    ...['"MULTI"', '"DISCARD"', '"MULTI"', '"EXEC"'],
  ]);
});

it('shows scripts and functions that shards run: of a gateway they were not shown at all', () => {
  const cluster = new TestCluster({ nodes: 2, shards: 2 });
  const [monitor, client] = [cluster.client(), cluster.client()];
  monitor.run('MONITOR');
  client.run('EVAL 1 0', 'FCALL f 1 k', 'MULTI', 'EVALSHA x 1 k', 'EXEC');
  expect(shown(monitor.take())).toEqual([
    ...['"EVAL" "1" "0"', '"FCALL" "f" "1" "k"', '"MULTI"', '"EVALSHA" "x" "1" "k"', '"EXEC"'],
  ]);
});

it('counts an error of CONFIG SET at a gateway once', () => {
  const client = new TestCluster({ nodes: 1, shards: 1 }).client();
  expect(client.run('CONFIG SET maxmemory-policy nosuch maxclients 100')[0]).toMatch(/^-ERR/);
  const [figures] = client.run('INFO errorstats');
  expect(figures).toMatch(/errorstat_ERR:count=1\D/);
});
