/** Replies that nobody takes yet: what a node and a gateway hold of them, and what becomes of the requests behind. */
import { EventEmitter } from 'node:events';
import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { node } from '@holdfast/rpc';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeRequest } from '../testing/encode-request.js';
import { type PipeClient, TestCluster } from '../testing/test-cluster.js';

const mib = 1024 * 1024;
const big = Buffer.alloc(mib, 'x');

function requests(...lines: string[]): Buffer {
  return Buffer.concat(lines.map((line) => encodeRequest(line.split(' '))));
}

function repeated(line: string, count: number): string[] {
  return Array.from({ length: count }, () => line);
}

/** The stream of a gateway that takes messages when it is told to. */
class SlowStream extends EventEmitter {
  isPaused = false;
  unsentBytes = 0;
  /** The ids of runs, once for each of their requests that is answered, in order; negative where they came back. */
  readonly answered: number[] = [];
  #written: (() => void)[] = [];

  send(message: Partial<node.ForwardRequest>): void {
    this.emit(
      'data',
      Buffer.from(node.ForwardRequest.encode(node.ForwardRequest.fromPartial(message)).finish()),
    );
  }

  write(message: Buffer, written: () => void): boolean {
    const { replies } = node.ForwardResponse.decode(message);
    for (const { count, id, refused } of replies) {
      this.answered.push(...Array.from({ length: count }, () => id));
      if (refused) this.answered.push(-id);
    }
    const bytes = message.length;
    this.unsentBytes += bytes;
    this.#written.push(() => {
      this.unsentBytes -= bytes;
      written();
    });
    return true;
  }

  /** All that was sent is read. */
  take(): void {
    const written = this.#written;
    this.#written = [];
    for (const each of written) each();
  }

  /** How many requests of a run are answered. */
  count(id: number): number {
    return this.answered.filter((each) => each === id).length;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {}

  getPeer(): string {
    return 'here';
  }
}

describe('a gateway that does not take what it is sent', () => {
  let cluster: TestCluster;
  let other: PipeClient;
  let stream: SlowStream;

  beforeEach(() => {
    cluster = new TestCluster({ shards: 1, nodes: 1 });
    other = cluster.client();
    other.run(['SET', 'big', big]);
    stream = new SlowStream();
    cluster.nodes[0].exporter.accept(stream);
    stream.take();
  });

  function send(...runs: [session: number, id: number, requests: string[]][]): void {
    stream.send({
      runs: runs.map(([session, id, lines]) =>
        node.Run.fromPartial({ session, id, shard: cluster.shards[0].name, requests: requests(...lines) }),
      ),
    });
    cluster.env.advance(0);
  }

  function takeAll(): void {
    for (let i = 0; i < 100; i++) {
      stream.take();
      cluster.env.advance(0);
    }
  }

  it('was sent all replies to what it had passed on', () => {
    send([1, 1, repeated('GET big', 40)], [2, 2, repeated('GET big', 40)], [3, 3, repeated('GET big', 40)]);
    expect(stream.unsentBytes).toBeGreaterThan(10 * mib);
    expect(stream.unsentBytes).toBeLessThan(20 * mib);
    takeAll();
    expect([1, 2, 3].map((id) => stream.count(id))).toEqual([40, 40, 40]);
    expect(stream.answered).toHaveLength(120);
  });

  it('hears of each session before one has had all of its replies', () => {
    send([1, 1, repeated('GET big', 40)], [2, 2, ['GET big', 'SET a 1']]);
    expect(stream.count(2)).toBe(2);
    expect(stream.count(1)).toBeLessThan(20);
  });

  it('gets the replies of a session in their order, and its effects are', () => {
    send([1, 1, repeated('GET big', 40)], [1, 2, ['APPEND a 1']]);
    send([2, 3, ['APPEND a 2']], [1, 4, ['APPEND a 3']]);
    send([2, 5, ['APPEND a 4']]);
    expect(other.run('EXISTS a')).toEqual([':0']);
    takeAll();
    expect(stream.answered.filter((id) => [1, 2, 4].includes(id)).slice(-2)).toEqual([2, 4]);
    expect(stream.count(1)).toBe(40);
    const [value] = other.run('GET a');
    expect(value.replace(/[$"24]/g, '')).toBe('13');
    expect(value.replace(/[$"13]/g, '')).toBe('24');
  });

  it('is served no further for a transaction, nor for what waited', () => {
    send([1, 1, ['BLPOP list 0', ...repeated('GET big', 40)]], [2, 2, repeated('GET big', 40)]);
    const transaction = node.Run.fromPartial({
      session: 1,
      id: 3,
      transaction: true,
      requests: requests('GET big'),
    });
    stream.send({ runs: [transaction] });
    other.run('RPUSH list x');
    expect(stream.count(1)).toBe(1);
    expect(stream.unsentBytes).toBeLessThan(20 * mib);
    takeAll();
    expect([1, 2, 3].map((id) => stream.count(id))).toEqual([41, 40, 1]);
  });

  it('was heard of clients that had gone after all of it was taken, and their replies were made', () => {
    send([1, 1, repeated('GET big', 40)], [2, 2, [...repeated('GET big', 40), 'SET a 1']]);
    send([2, 3, ['SET b 1', 'BLPOP list 0', 'SET c 1']]);
    const before = stream.answered.length;
    stream.send({ closed: [1, 2] });
    cluster.env.advance(0);
    takeAll();
    expect(stream.answered.slice(before)).toEqual([-1, -2, -3]);
    // What had been sent before is done, but nobody is there to wait.
    expect(other.run('EXISTS a b c', 'RPUSH list x', 'LLEN list')).toEqual([':2', ':1', ':1']);
  });

  it('does the transactions of clients that have gone, as a whole or not at all', () => {
    send([1, 1, repeated('GET big', 40)]);
    const transaction = (session: number, id: number, ...lines: string[]): node.Run =>
      node.Run.fromPartial({
        session,
        id,
        shard: cluster.shards[0].name,
        transaction: true,
        requests: requests(...lines),
      });
    stream.send({
      runs: [transaction(2, 2, 'SET a 1', 'SET b 1'), transaction(3, 3, 'SET c 1', 'NOPE')],
      closed: [2, 3],
    });
    expect(other.run('EXISTS a b', 'EXISTS c')).toEqual([':2', ':0']);
  });

  it('ends the wait of a client whose command was still held when it was told to', () => {
    send([1, 1, repeated('GET big', 40)], [2, 2, ['GET big', 'SET a 1']]);
    send([2, 3, ['BLPOP list 0']]);
    stream.send({ unblocked: [{ session: 2, withError: true }] });
    takeAll();
    expect(stream.count(3)).toBe(1);
    expect(other.run('RPUSH list x', 'LLEN list')).toEqual([':1', ':1']);
  });

  it('is read no further with a lot of input', () => {
    send([1, 1, repeated('GET big', 40)]);
    expect(stream.isPaused).toBe(false);
    for (let i = 0; i < 5; i++) send([2, 2 + i, [`SET a ${'x'.repeat(mib)}`]]);
    expect(stream.isPaused).toBe(true);
    takeAll();
    expect(stream.isPaused).toBe(false);
    expect(stream.answered.slice(-1)).toEqual([1]);
    expect([2, 3, 4, 5, 6].map((id) => stream.count(id))).toEqual([1, 1, 1, 1, 1]);
  });

  it('was sent without end once a commit came', () => {
    const leader = cluster.leader(0);
    leader.holdCommits();
    send([1, 1, ['SET a 1', ...repeated('GET big', 100)]]);
    expect(stream.unsentBytes).toBe(0);
    leader.commitAtOnce();
    expect(stream.unsentBytes).toBeLessThan(70 * mib);
    takeAll();
    expect(stream.count(1)).toBe(101);
  });

  it.each(['dropped', 'unknown'] as const)(
    'was not told what became of requests that were held when the lead was lost: %s',
    (fate) => {
      cluster.leader(0).holdCommits();
      send([1, 1, ['SET a 1', ...repeated('GET big', 100)]], [1, 2, ['GET a']], [2, 3, ['GET a']]);
      stream.send({ paused: [2] });
      send([2, 4, ['GET a']]);
      cluster.shards[0].stepDown(fate);
      stream.send({ resumed: [2] });
      takeAll();
      // Of those that were executed it is not known, and is said so; what was not comes back, each run once.
      expect(stream.answered.filter((id) => id === -1)).toHaveLength(1);
      expect(stream.answered.filter((id) => id === -2)).toHaveLength(1);
      expect(stream.answered.filter((id) => id === -4)).toHaveLength(1);
    },
  );

  it('ends with all that is held for it', () => {
    send([1, 1, [...repeated('GET big', 40), 'SET a 1']]);
    stream.emit('cancelled');
    takeAll();
    expect(other.run('EXISTS a')).toEqual([':0']);
  });

  it('keeps a session waiting that is paused, and answers others', () => {
    stream.send({
      runs: [
        node.Run.fromPartial({
          session: 1,
          id: 1,
          shard: cluster.shards[0].name,
          requests: requests('GET a'),
        }),
      ],
      paused: [1],
    });
    send([1, 2, ['SET a 1']], [2, 3, ['GET a']]);
    expect(stream.answered).toEqual([1, 3]);
    stream.send({ resumed: [1] });
    cluster.env.advance(0);
    expect(stream.answered).toEqual([1, 3, 2]);
    stream.send({ paused: [1, 2] });
    send([1, 4, ['SET a 1']], [2, 5, ['GET a']]);
    cluster.nodes[0].exporter.sayGoodbye();
    cluster.env.advance(0);
    expect(stream.answered.slice(3)).toEqual([-4, -5]);
  });
});

/** b is of the first shard, c of the second, a of the third. */
describe('a client of a gateway that does not read', () => {
  let cluster: TestCluster;
  let client: PipeClient;
  let other: PipeClient;
  const whole = `$"${big.toString()}"`;

  beforeEach(() => {
    cluster = new TestCluster({ shards: 3, nodes: 3 });
    [client, other] = [cluster.client(), cluster.client()];
    client.saysWhenRead = true;
    for (const key of ['a', 'b', 'c']) other.run(['SET', key, big]);
  });

  function takeAll(): string[] {
    const replies: string[] = [];
    for (let i = 0; i < 100; i++) replies.push(...client.run());
    return replies;
  }

  it.each([
    ['of one shard', (i: number) => `GET ${'aaa'[i % 3]}`],
    ['of several', (i: number) => `GET ${'abc'[i % 3]}`],
  ])('got the replies %s to all that it had sent', (_, line) => {
    client.send(...Array.from({ length: 60 }, (_, i) => line(i)), 'ECHO x');
    cluster.env.advance(100);
    expect(client.outputBytes).toBeLessThan(20 * mib);
    expect(other.run('SET d 1', 'STRLEN a')).toEqual(['+OK', `:${mib}`]);
    const replies = takeAll();
    expect(replies.slice(0, 60).every((reply) => reply === whole)).toBe(true);
    expect(replies.slice(60)).toEqual(['$"x"']);
  });

  it('was asked for by others all the same while one shard kept it waiting', () => {
    const asked = vi.spyOn(cluster.leader(1).coordinator, 'coordinate');
    cluster.leader(0).holdCommits();
    client.send('APPEND b x', ...repeated('GET c', 60), 'STRLEN b', ...repeated('GET c', 10));
    cluster.env.advance(100);
    expect(client.outputBytes).toBe(0);
    expect(asked.mock.calls.length).toBeLessThan(30);
    cluster.leader(0).commitAtOnce();
    const replies = takeAll();
    expect(replies.map((reply) => (reply === whole ? 'c' : reply)).join(' ')).toBe(
      [`:${mib + 1}`, ...repeated('c', 60), `:${mib + 1}`, ...repeated('c', 10)].join(' '),
    );
  });

  it('had parts of its replies gathered without end while one shard kept it waiting', () => {
    const asked = vi.spyOn(cluster.leader(1).coordinator, 'coordinate');
    cluster.leader(0).holdCommits();
    client.send('APPEND b x', ...repeated('MGET c b', 60), 'STRLEN c');
    cluster.env.advance(100);
    expect(client.outputBytes).toBe(0);
    expect(asked.mock.calls.length).toBeLessThan(30);
    cluster.leader(0).commitAtOnce();
    const replies = takeAll();
    const pair = `*[${whole}, $"${big.toString()}x"]`;
    expect(replies.map((reply) => (reply === pair ? 'pair' : reply)).join(' ')).toBe(
      [`:${mib + 1}`, ...repeated('pair', 60), `:${mib}`].join(' '),
    );
  });

  it('was answered by the gateway itself without end while a shard kept it waiting', () => {
    const [commands] = client.run('COMMAND');
    cluster.leader(0).holdCommits();
    client.send('APPEND b x', ...repeated('COMMAND', 100), 'ECHO x');
    cluster.env.advance(100);
    expect(client.outputBytes).toBe(0);
    expect(client.inputBytes).toBeGreaterThan(80 * 'COMMAND'.length);
    cluster.leader(0).commitAtOnce();
    const replies = takeAll();
    expect(replies.map((reply) => (reply === commands ? 'commands' : reply)).join(' ')).toBe(
      [`:${mib + 1}`, ...repeated('commands', 100), '$"x"'].join(' '),
    );
  });

  it('and goes leaves done what it had sent', () => {
    client.send(...repeated('GET a', 60), 'SET d 1', 'DEL a');
    cluster.env.advance(100);
    expect(other.run('EXISTS a')).toEqual([':1']);
    client.close();
    expect(other.run('EXISTS a', 'EXISTS d')).toEqual([':0', ':1']);
    cluster.env.advance(100);
    const runs = cluster.nodes.map(({ replicas }) => cluster.router.channelOf(replicas.node)!.runCount);
    expect(runs).toEqual([0, 0, 0]);
  });

  it('is served by the next leader', () => {
    client.send(...repeated('GET a', 60), 'SET d 1', 'GET a');
    cluster.env.advance(100);
    cluster.shards[2].lead('n0');
    const replies = takeAll();
    expect(replies.map((reply) => (reply === whole ? 'a' : reply)).join(' ')).toBe(
      [...repeated('a', 60), '+OK', 'a'].join(' '),
    );
  });

  it.each([1, 2, 3, 4, 5])('gets everything in its order, however it reads: seed %i', (seed) => {
    const random = new SeededRandom(seed);
    const expected: string[] = [];
    const replies: string[] = [];
    let appended = 0;
    for (let step = 0; step < 300; step++) {
      const key = 'abc'[randomBelow(random, 3)];
      const kind = randomBelow(random, 10);
      if (kind < 6) {
        client.send(`GET ${key}`);
        expected.push(whole);
      } else if (kind < 8) {
        client.send('APPEND d x');
        expected.push(`:${++appended}`);
      } else {
        client.send(`MGET ${key} nope`);
        expected.push(`*[${whole}, $null]`);
      }
      if (randomBelow(random, 4) === 0) cluster.env.advance(0);
      if (randomBelow(random, 25) === 0) replies.push(...client.take());
      expect(client.outputBytes).toBeLessThan(40 * mib);
    }
    replies.push(...takeAll());
    expect(replies.length).toBe(expected.length);
    expect(replies.findIndex((reply, i) => reply !== expected[i])).toBe(-1);
  });
});
