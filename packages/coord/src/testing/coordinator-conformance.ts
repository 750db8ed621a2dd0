/**
 * What every Coordinator must do, as a list of named cases, for protocols to rely on. An implementation's whole
 * spec:
 *
 *     for (const { name, run } of coordinatorConformance) it(name, () => run(makeStore()));
 */
import assert from 'node:assert/strict';
import { Request } from '@holdfast/common';
import { type Coordinator, outcomes } from '../coordinator.js';
import { ConformanceClient, until } from './conformance-client.js';

export interface CoordinatorUnderTest {
  readonly coordinator: Coordinator;
  /** Lets at least `ms` of the coordinator's time go by, and what is under way come to its end. */
  pass(ms: number): Promise<void>;
  /** An orderly end. */
  close(): Promise<void>;
}

/** A place for one coordinator after another. */
export interface CoordinatorStore {
  /** Whether what was acknowledged is there when it is opened again. */
  readonly isDurable: boolean;
  open(): Promise<CoordinatorUnderTest>;
  /** Ends a coordinator as harshly as can be had: a power cut. */
  crash(under: CoordinatorUnderTest): Promise<void>;
}

export interface CoordinatorCase {
  readonly name: string;
  run(store: CoordinatorStore): Promise<void>;
}

type Body = (under: CoordinatorUnderTest, connect: () => ConformanceClient) => Promise<void>;

/** A case about one coordinator, from its start to an orderly end. */
function about(name: string, body: Body): CoordinatorCase {
  return {
    name,
    async run(store) {
      const under = await store.open();
      await body(under, () => new ConformanceClient(under));
      await under.close();
    },
  };
}

/** Ends a coordinator right after a load: how many replies were seen by then, and how many requests were sent. */
async function crashUnderLoad(
  store: CoordinatorStore,
  round: number,
  load: (client: ConformanceClient, n: number) => void,
): Promise<{ acknowledged: number; sent: number }> {
  const under = await store.open();
  const client = new ConformanceClient(under);
  let sent = 0;
  // The cut comes right after a turn: of one write that is on its way, or with others behind it.
  for (let turn = 0; turn <= round; turn++) {
    if (turn > 0) await under.pass(1);
    for (let i = turn === round && round % 2 === 0 ? 1 : 5; i > 0; i--) load(client, ++sent);
  }
  const acknowledged = client.acknowledgedReplies;
  await store.crash(under);
  return { acknowledged, sent };
}

export const coordinatorConformance: readonly CoordinatorCase[] = [
  about('every request gets one reply', async (_under, connect) => {
    const client = connect();
    for (const line of ['PING', 'SET k v', 'GET k', 'GET none', 'DEL k none', 'MGET k k']) {
      await client.line(line);
      assert.equal(client.unread, 0, line);
    }
  }),

  about('what is wrong with a request is its reply, and the session goes on', async (_under, connect) => {
    const client = connect();
    await client.line('SET k v');
    for (const line of ['NOSUCHCOMMAND a', 'GET', 'GET a b', 'INCR k', 'CONFIG NOSUCH', 'EXEC']) {
      assert.ok((await client.line(line)) instanceof Error, line);
    }
    assert.equal(await client.line('GET k'), 'v');
  }),

  about('replies come in the order of the requests', async (_under, connect) => {
    const client = connect();
    for (let i = 0; i < 500; i++) client.send('INCR', 'n');
    const replies = await client.take(500);
    assert.deepEqual(
      replies,
      Array.from({ length: 500 }, (_, i) => i + 1),
    );
  }),

  about('the bytes of a request are the sender’s again after the call', async (_under, connect) => {
    const [client, other] = [connect(), connect()];
    await client.run('SET', 'key', 'value');
    client.send('MULTI');
    client.send('GET', 'key');
    client.send('EXEC');
    other.send('BLPOP', 'list', '0');
    await connect().run('RPUSH', 'list', 'item');
    assert.deepEqual(await client.take(3), ['OK', 'QUEUED', ['value']]);
    assert.deepEqual(await other.next(), ['list', 'item']);
  }),

  about('each session has a state of its own', async (_under, connect) => {
    const [a, b] = [connect(), connect()];
    await a.line('SELECT 3');
    await a.line('SET k three');
    await a.line('CLIENT SETNAME first');
    await a.line('MULTI');
    assert.equal(await b.line('GET k'), null);
    assert.equal(await b.line('CLIENT GETNAME'), null);
    assert.equal(await b.line('SET k zero'), 'OK');
    assert.equal(await a.line('GET k'), 'QUEUED');
    assert.deepEqual(await a.line('EXEC'), ['three']);
  }),

  about('a write has a version above those before, and its reply depends on it', async (_under, connect) => {
    const [a, b] = [connect(), connect()];
    let last = 0;
    for (let i = 0; i < 20; i++) {
      const client = i % 2 === 0 ? a : b;
      await client.line(`SET k ${i}`);
      assert.ok(client.session.dependsOn > last, `${client.session.dependsOn} after ${last}`);
      last = client.session.dependsOn;
    }
  }),

  about('a reply depends on the write that it shows, whoever wrote', async ({ coordinator }, connect) => {
    const [writer, reader] = [connect(), connect()];
    await writer.line('SET k v');
    await writer.line('SET gone v');
    await writer.line('RPUSH l a');
    for (const [write, read] of [
      ['SET k w', 'GET k'],
      ['DEL gone', 'EXISTS gone'],
      ['RPUSH l b', 'LLEN l'],
      ['SET new v', 'DBSIZE'],
      ['SET newer v', 'KEYS new*'],
      ['FLUSHALL', 'FLUSHDB'],
      ['SET newest v', 'SCAN 0'],
      ['FLUSHALL', 'FLUSHALL'],
    ]) {
      coordinator.beginTurn();
      writer.sendInTurn(...write.split(' '));
      reader.sendInTurn(...read.split(' '));
      coordinator.settle();
      await Promise.all([writer.next(), reader.next()]);
      assert.ok(reader.session.dependsOn >= writer.session.dependsOn, read);
    }
  }),

  about('what was written is committed soon, and stays so', async ({ coordinator, pass }, connect) => {
    const client = connect();
    let last = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < 30; i++) {
      client.send('SET', 'k', String(i));
      assert.ok(coordinator.committedVersion >= last);
      last = coordinator.committedVersion;
      if (i % 5 === 0) await pass(1);
    }
    await client.take(30);
    assert.ok(coordinator.committedVersion >= client.session.dependsOn);
  }),

  about('who listens is told of commits that come later', async ({ coordinator, pass }, connect) => {
    let heard = coordinator.committedVersion;
    coordinator.onCommitted(() => {
      assert.ok(coordinator.committedVersion >= heard);
      heard = coordinator.committedVersion;
    });
    const client = connect();
    client.send('SET', 'k', 'v');
    const { dependsOn } = client.session;
    const atOnce = coordinator.committedVersion;
    await until(pass, () => coordinator.committedVersion >= dependsOn);
    assert.ok(atOnce >= dependsOn || heard >= dependsOn, 'nobody was told');
  }),

  about('a request that waits is answered through its sink, once', async (_under, connect) => {
    const [waiter, pusher] = [connect(), connect()];
    const outcome = waiter.send('BLPOP', 'l', '0');
    assert.ok(outcome === outcomes.pending || outcome === outcomes.later);
    if (outcome === outcomes.pending) assert.equal(waiter.session.isBlocked, true);
    assert.equal(waiter.unread, 0);
    await pusher.line('RPUSH l a b');
    assert.deepEqual(await waiter.next(), ['l', 'a']);
    assert.equal(waiter.session.isBlocked, false);
    if (outcome === outcomes.pending) assert.equal(waiter.resumed, 1);
    assert.ok(waiter.woken > 0);
    assert.deepEqual(await pusher.line('LRANGE l 0 -1'), ['b']);
    assert.equal(waiter.unread, 0);
  }),

  about('who waits longest is served first', async (_under, connect) => {
    const waiters = [connect(), connect(), connect()];
    for (const waiter of waiters) waiter.send('BLPOP', 'l', '0');
    const pusher = connect();
    for (const item of ['first', 'second', 'third']) await pusher.line(`RPUSH l ${item}`);
    const served = await Promise.all(waiters.map((waiter) => waiter.next()));
    assert.deepEqual(served, [
      ['l', 'first'],
      ['l', 'second'],
      ['l', 'third'],
    ]);
  }),

  about('a wait ends with its time, and not before', async ({ pass }, connect) => {
    const waiter = connect();
    waiter.send('BLPOP', 'l', '0.3');
    await pass(100);
    assert.equal(waiter.unread, 0);
    await pass(400);
    assert.equal(await waiter.next(), null);
    assert.equal(await connect().line('RPUSH l a'), 1);
    assert.equal(await waiter.line('LLEN l'), 1);
  }),

  about('a session that has gone waits no more', async ({ coordinator, pass }, connect) => {
    const [gone, next] = [connect(), connect()];
    gone.send('BLPOP', 'l', '0');
    next.send('BLPOP', 'l', '0');
    await pass(1);
    coordinator.close(gone.session);
    await connect().line('RPUSH l a');
    assert.deepEqual(await next.next(), ['l', 'a']);
    assert.equal(gone.unread, 0);
  }),

  about('a session can be closed twice', async ({ coordinator }, connect) => {
    const [gone, other] = [connect(), connect()];
    await gone.line('SUBSCRIBE c');
    coordinator.close(gone.session);
    coordinator.close(gone.session);
    assert.equal(await other.line('PUBLISH c hello'), 0);
    assert.equal(await other.line('PING'), 'PONG');
  }),

  about('a transaction runs as one, at one version', async (_under, connect) => {
    const [client, other] = [connect(), connect()];
    for (const line of ['MULTI', 'SET a 1', 'INCR a', 'SET b 1']) await client.line(line);
    await other.line('SET a 10');
    assert.deepEqual(await client.line('EXEC'), ['OK', 2, 'OK']);
    const versions: number[] = [];
    for (const key of ['a', 'b']) {
      await other.line(`GET ${key}`);
      versions.push(other.session.keyVersion);
    }
    assert.equal(versions[0], versions[1]);
    assert.equal(await other.line('GET a'), '2');
  }),

  about('a transaction that can not be is not begun', async (_under, connect) => {
    const client = connect();
    for (const line of ['MULTI', 'SET a 1', 'NOSUCHCOMMAND']) await client.line(line);
    assert.ok((await client.line('EXEC')) instanceof Error);
    assert.equal(await client.line('GET a'), null);
    for (const line of ['MULTI', 'SET a 1', 'DISCARD']) await client.line(line);
    assert.equal(await client.line('GET a'), null);
  }),

  about('a watched key that changed refuses the transaction, whoever changed it', async (_under, connect) => {
    const [client, other] = [connect(), connect()];
    await client.line('SET k 1');
    await client.line('WATCH k');
    await other.line('SET k 2');
    for (const line of ['MULTI', 'SET k 3']) await client.line(line);
    assert.equal(await client.line('EXEC'), null);
    assert.equal(await client.line('GET k'), '2');
    await client.line('WATCH k');
    for (const line of ['MULTI', 'SET k 3']) await client.line(line);
    assert.deepEqual(await client.line('EXEC'), ['OK']);
  }),

  about('messages go to those who listen, as long as they do', async (_under, connect) => {
    const [a, b, speaker] = [connect(), connect(), connect()];
    assert.deepEqual(await a.line('SUBSCRIBE c'), ['subscribe', 'c', 1]);
    assert.deepEqual(await b.line('PSUBSCRIBE c*'), ['psubscribe', 'c*', 1]);
    assert.equal(await speaker.line('PUBLISH c one'), 2);
    assert.deepEqual(await a.next(), ['message', 'c', 'one']);
    assert.deepEqual(await b.next(), ['pmessage', 'c*', 'c', 'one']);
    assert.ok(a.woken > 0);
    assert.deepEqual(await a.line('UNSUBSCRIBE c'), ['unsubscribe', 'c', 0]);
    assert.equal(await speaker.line('PUBLISH c two'), 1);
    assert.deepEqual(await b.next(), ['pmessage', 'c*', 'c', 'two']);
    assert.equal(a.unread, 0);
  }),

  about('no more sessions are opened than may be', async (under, connect) => {
    const { coordinator } = under;
    const client = connect();
    await client.line('CONFIG SET maxclients 2');
    const second = connect();
    assert.equal(ConformanceClient.open(under), null);
    coordinator.close(second.session);
    assert.notEqual(ConformanceClient.open(under), null);
    assert.equal(await client.line('PING'), 'PONG');
  }),

  about('an end that a client asks for comes with its reply', async (_under, connect) => {
    const client = connect();
    const outcome = client.send('QUIT');
    assert.ok(outcome === outcomes.close || outcome === outcomes.later);
    assert.equal(await client.next(), 'OK');
  }),

  about('a hint of what comes next changes nothing', async ({ coordinator }, connect) => {
    const client = connect();
    await client.line('SET k v');
    const hints = [['SET', 'k', 'w'], ['NOSUCHCOMMAND'], ['GET'], ['QUIT'], ['BLPOP', 'k', '0']];
    const requests = hints.map((args) => Request.of(...args));
    for (let count = 0; count <= requests.length; count++) {
      coordinator.prefetch(client.session, requests, count);
    }
    assert.equal(await client.line('GET k'), 'v');
    assert.equal(client.unread, 0);
  }),

  about('an orderly end waits for what was written', async ({ coordinator }, connect) => {
    const client = connect();
    for (let i = 0; i < 10; i++) client.send('SET', 'k', String(i));
    await coordinator.shutdown();
    assert.ok(coordinator.committedVersion >= client.session.dependsOn);
  }),

  {
    name: 'what was acknowledged is there after an orderly end',
    async run(store) {
      if (!store.isDurable) return;
      const first = await store.open();
      const writer = new ConformanceClient(first);
      for (const line of ['SET k v', 'RPUSH l a b', 'SELECT 2', 'HSET h f v']) await writer.line(line);
      const { dependsOn } = writer.session;
      await first.close();
      const second = await store.open();
      const reader = new ConformanceClient(second);
      assert.equal(await reader.line('GET k'), 'v');
      assert.deepEqual(await reader.line('LRANGE l 0 -1'), ['a', 'b']);
      await reader.line('SELECT 2');
      assert.equal(await reader.line('HGET h f'), 'v');
      await reader.line('SET k w');
      assert.ok(reader.session.dependsOn > dependsOn, 'versions begin anew');
      await second.close();
    },
  },
  {
    name: 'what was acknowledged survives a power cut',
    async run(store) {
      if (!store.isDurable) return;
      let floor = 0;
      for (let round = 0; round < 8; round++) {
        const before = floor;
        const { acknowledged, sent } = await crashUnderLoad(store, round, (client) =>
          client.send('INCR', 'n'),
        );
        const under = await store.open();
        const found = Number(await new ConformanceClient(under).line('GET n'));
        assert.ok(
          found >= before + acknowledged,
          `${found}, but ${before} + ${acknowledged} were acknowledged`,
        );
        assert.ok(found <= before + sent);
        floor = found;
        await under.close();
      }
    },
  },
  {
    name: 'a transaction is there as a whole, or not at all, after a power cut',
    async run(store) {
      if (!store.isDurable) return;
      for (let round = 0; round < 16; round++) {
        await crashUnderLoad(store, round, (client, n) => {
          const transaction = ['MULTI', `SET a ${n}`, `SET b ${n}`, 'EXEC'];
          const multiple = [`MSET c ${n} d ${n}`];
          for (const line of round % 4 < 2 ? [...transaction, ...multiple] : [...multiple, ...transaction]) {
            client.send(...line.split(' '));
          }
        });
        const under = await store.open();
        const [a, b, c, d] = (await new ConformanceClient(under).line('MGET a b c d')) as string[];
        assert.equal(a, b);
        assert.equal(c, d);
        await under.close();
      }
    },
  },
];
