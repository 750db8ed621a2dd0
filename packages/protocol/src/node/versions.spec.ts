/** What is forwarded waits for versions that were fetched after it arrived: all of a message for the same ones. */
import type { Timestamps } from '@holdfast/coord';
import { describe, expect, it } from 'vitest';
import { TestCluster } from '../testing/test-cluster.js';

/** A cluster of one node, and when each of its requests is said to have arrived. */
function observed(timestamps: Timestamps): { cluster: TestCluster; arrivals: number[] } {
  const cluster = new TestCluster({ shards: 1, nodes: 1 });
  const arrivals: number[] = [];
  const { replicas } = cluster.nodes[0];
  replicas.timestamps = timestamps;
  for (const { coordinator } of replicas.replicas()) {
    const coordinate = coordinator.coordinate.bind(coordinator);
    coordinator.coordinate = (session, request, reply) => {
      arrivals.push(session.arrival);
      return coordinate(session, request, reply);
    };
  }
  return { cluster, arrivals };
}

describe('versions', () => {
  it('are fetched once for all requests of a pipeline, not for one after the other', () => {
    const asked: number[][] = [];
    const ready = (arrival: number, count: number): null => {
      asked.push([arrival, count]);
      return null;
    };
    const { cluster, arrivals } = observed({ arrive: () => 7, ready });
    const client = cluster.client();
    expect(client.run('SET a 1', 'GET a', 'SET b 2', 'DEL a b')).toEqual(['+OK', '$"1"', '+OK', ':2']);
    expect(asked).toEqual([[7, 3]]);
    expect(arrivals).toEqual([7, 7, 7, 7]);
  });

  it('are not waited for by what only reads', () => {
    const { cluster, arrivals } = observed({ arrive: () => 7, ready: () => new Promise(() => {}) });
    expect(cluster.client().run('GET a', 'GET b')).toEqual(['$null', '$null']);
    expect(arrivals).toEqual([0, 0]);
  });

  it('keep the order of messages while they are fetched', async () => {
    let arrived!: () => void;
    let fetch: Promise<void> | null = new Promise((resolve) => {
      arrived = resolve;
    });
    const { cluster } = observed({ arrive: () => 7, ready: () => fetch });
    const client = cluster.client();
    expect(client.run('SET a 1')).toEqual([]);
    expect(client.run('GET a')).toEqual([]);
    fetch = null;
    arrived();
    await Promise.resolve();
    await Promise.resolve();
    expect(client.run()).toEqual(['+OK', '$"1"']);
  });

  it('are waited for by one message after the other', async () => {
    const fetches: (() => void)[] = [];
    let arrival = 0;
    let done = 0;
    const { cluster } = observed({
      arrive: () => ++arrival,
      ready: (at) => (at <= done ? null : new Promise((resolve) => fetches.push(resolve))),
    });
    const [one, other] = [cluster.client(), cluster.client()];
    expect([...one.run('SET a 1'), ...other.run('SET b 2'), ...one.run('GET a')]).toEqual([]);
    for (const fetched of [1, 2]) {
      done = fetched;
      for (const resolve of fetches.splice(0)) resolve();
      await new Promise(setImmediate);
    }
    expect(one.run()).toEqual(['+OK', '$"1"']);
    expect(other.run()).toEqual(['+OK']);
  });

  it('that can not be had hold up nothing that needs none', async () => {
    const { cluster } = observed({ arrive: () => 7, ready: () => Promise.reject(new Error('no service')) });
    const client = cluster.client();
    expect(client.run('INCR a', 'PING')).toEqual([]);
    await Promise.resolve();
    await Promise.resolve();
    // Whether `INCR` gets its version is up to who executes it.
    expect(client.run('GET a')).toEqual([':1', '+PONG', '$"1"']);
  });

  it('that do not come hold up neither what only reads nor CLIENT UNBLOCK', async () => {
    let wanted = 0;
    const ready = (): Promise<void> | null => (wanted++ === 0 ? null : new Promise(() => {}));
    const { cluster } = observed({ arrive: () => 7, ready });
    const [writer, reader, waiting] = [cluster.client(), cluster.client(), cluster.client()];
    const [id] = waiting.run('CLIENT ID');
    waiting.run('BLPOP q 0');
    writer.run('INCR a');
    expect(reader.run('GET b', `CLIENT UNBLOCK ${id.slice(1)}`)).toEqual([]);
    cluster.env.advance(100);
    expect(reader.run()).toEqual(['$null', ':1']);
    expect(waiting.run()).toEqual(['*null']);
  });
});
