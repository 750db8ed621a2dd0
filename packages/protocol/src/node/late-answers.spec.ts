/** What the gateway answers itself and takes its time for, among what shards answer. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type PipeClient, TestCluster } from '../testing/test-cluster.js';

let cluster: TestCluster;
let client: PipeClient;
/** Ends the change of a port that is under way. */
let finish: (error?: Error) => void;

beforeEach(() => {
  cluster = new TestCluster({ shards: 3, nodes: 3 });
  const change = (): Promise<void> =>
    new Promise((resolve, reject) => {
      finish = (error) => (error === undefined ? resolve() : reject(error));
    });
  cluster.coordinator.kv.config.changeBy(['port'], change);
  client = cluster.client();
  expect(client.run('SET a 1')).toEqual(['+OK']);
});

/** What was promised is done, but no message has come. */
function promisesKept(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function ended(error?: Error): Promise<void> {
  await promisesKept();
  finish(error);
  await promisesKept();
}

describe('a command of the gateway that ends later', () => {
  it('is not answered before the requests in front of it', async () => {
    client.send('GET a', 'CONFIG SET port 7000', 'GET a', 'PING');
    await ended();
    expect(client.take()).toEqual([]);
    cluster.env.advance(0);
    expect(client.take()).toEqual(['$"1"', '+OK', '$"1"', '+PONG']);
  });

  it('holds up the requests behind it', async () => {
    expect(client.run('GET a', 'CONFIG SET port 7000', 'PING', 'GET a')).toEqual(['$"1"']);
    await ended();
    expect(client.run()).toEqual(['+OK', '+PONG', '$"1"']);
  });

  it('is answered in its place with its error', async () => {
    client.send('GET a', 'CONFIG SET port 7000', 'GET a');
    await ended(new Error('Unable to listen'));
    expect(client.run()).toEqual([
      '$"1"',
      "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen",
      '$"1"',
    ]);
  });

  it('keeps its place behind a transaction, and is none in one', async () => {
    const failed = 'CONFIG SET failed (possibly related to argument';
    const refused = `*[-ERR ${failed} 'port') - can't be changed in a transaction]`;
    client.send('MULTI', 'INCR a', 'GET a', 'EXEC', 'CONFIG SET port 7000');
    client.send('MULTI', 'CONFIG SET port 7001', 'EXEC', 'GET a');
    await ended();
    expect(client.take()).toEqual(['+OK', '+QUEUED', '+QUEUED']);
    expect(client.run()).toEqual(['*[:2, $"2"]', '+OK', '+OK', '+QUEUED', refused, '$"2"']);
  });

  it('is one of several that wait for each other', async () => {
    client.send('CONFIG SET port 7000', 'CONFIG SET port 7001', 'GET a');
    await ended();
    cluster.env.advance(0);
    expect(client.take()).toEqual(['+OK']);
    await ended();
    expect(client.run()).toEqual(['+OK', '$"1"']);
  });

  it.each([
    ['before it', 'GET a', '$"1"'],
    ['nobody before it', 'SELECT 0', '+OK'],
  ])('is passed over where its reply is skipped, with %s', async (_, before, said) => {
    client.send(before, 'CLIENT REPLY SKIP', 'CONFIG SET port 7000', 'GET a');
    await ended();
    expect(client.run()).toEqual([said, '$"1"']);
  });

  it('answers nobody who has gone', async () => {
    client.send('GET a', 'CONFIG SET port 7000');
    client.close();
    await ended();
    expect(client.run()).toEqual([]);
    expect(cluster.client().run('GET a')).toEqual(['$"1"']);
  });

  it('answers a client that waits for each reply', async () => {
    client = cluster.client(2, false);
    client.send('GET a', 'CONFIG SET port 7000', 'GET a');
    cluster.env.advance(0);
    expect(client.take()).toEqual(['$"1"']);
    await ended();
    expect(client.run()).toEqual(['+OK', '$"1"']);
  });

  it('is not mixed with what the shards are to do', async () => {
    expect(client.run('CONFIG SET port 7000 notify-keyspace-events KEA', 'GET a')).toEqual([
      "-ERR CONFIG SET failed (possibly related to argument 'port') - can't be changed together with parameters of the shards",
      '$"1"',
    ]);
  });
});
