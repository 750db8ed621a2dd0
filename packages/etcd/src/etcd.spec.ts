import { execFileSync } from 'node:child_process';
import { KvError, systemEnv } from '@holdfast/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Etcd } from './etcd.js';
import { isCompacted } from './etcd-error.js';
import { endOfPrefix, exists, get, put, remove, revisionIs, valueIs, versionIs } from './operations.js';
import { EtcdCluster } from './testing/etcd-cluster.js';

const bytes = (text: string): Buffer => Buffer.from(text);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: KvError) => error.code,
  );
}

describe('Etcd with one member', () => {
  let cluster: EtcdCluster;
  let etcd: Etcd;

  beforeAll(async () => {
    cluster = await EtcdCluster.start();
    etcd = await cluster.connect();
  });

  afterAll(async () => {
    etcd?.close();
    await cluster?.stop();
  });

  it('compares, puts, reads and removes', async () => {
    const [a, b] = [bytes('ops/a'), bytes('ops/b')];
    const made = await etcd.transact({
      compare: [versionIs(a, 0)],
      success: [put(a, bytes('1')), put(b, a)],
    });
    expect(made.succeeded).toBe(true);
    const { revision } = made.header!;
    const { succeeded, responses } = await etcd.transact({
      compare: [exists(a), valueIs(a, bytes('1')), versionIs(b, 1), revisionIs(b, revision)],
      success: [get(bytes('ops/'), { rangeEnd: endOfPrefix(bytes('ops/')), limit: 10 }), remove(b)],
    });
    expect(succeeded).toBe(true);
    const found = responses[0].response?.$case === 'responseRange' ? responses[0].response.value.kvs : [];
    expect(found.map(({ key, value, modRevision }) => [String(key), String(value), modRevision])).toEqual([
      ['ops/a', '1', revision],
      ['ops/b', 'ops/a', revision],
    ]);
    expect((await etcd.range({ key: b })).kvs).toEqual([]);
    expect((await etcd.transact({ compare: [exists(b)], success: [put(b, b)] })).succeeded).toBe(false);
  });

  it('tells refusals from what is not known', async () => {
    const large = etcd.transact({ compare: [], success: [put(bytes('large'), Buffer.alloc(2_000_000))] });
    expect(await codeOf(large)).toBe('LIMIT');
    const twice = etcd.transact({
      compare: [],
      success: [put(bytes('k'), bytes('1')), put(bytes('k'), bytes('2'))],
    });
    expect(await codeOf(twice)).toBe('INVALID');
    expect(await codeOf(etcd.status('127.0.0.1:1'))).toBe('INVALID');
  });

  it('says when history is gone', async () => {
    const { header } = await etcd.transact({ compare: [], success: [put(bytes('old'), bytes('1'))] });
    await etcd.transact({ compare: [], success: [put(bytes('old'), bytes('2'))] });
    await etcd.compact(header!.revision + 1);
    const read = etcd.range({ key: bytes('old'), revision: header!.revision });
    await expect(read).rejects.toSatisfy(isCompacted);
  });

  it('tells of changes, and of its own start', async () => {
    const told: string[] = [];
    const [key, end] = [bytes('watched/'), endOfPrefix(bytes('watched/'))];
    const other = etcd.watch(bytes('elsewhere'), Buffer.alloc(0), {
      onStart() {},
      onEvents: () => told.push('x'),
    });
    const watch = await new Promise<{ close(): void }>((resolve) => {
      const made = etcd.watch(key, end, {
        onStart: () => resolve(made),
        onEvents: (events) => told.push(...events.map(({ type, kv }) => `${type} ${kv!.key}`)),
      });
    });
    await etcd.transact({
      compare: [],
      success: [put(bytes('watched/1'), key), put(bytes('watched/2'), key)],
    });
    await etcd.transact({ compare: [], success: [remove(bytes('watched/1'))] });
    await expect.poll(() => told).toEqual(['0 watched/1', '0 watched/2', '1 watched/1']);
    watch.close();
    other.close();
    await etcd.transact({ compare: [], success: [put(bytes('watched/1'), key)] });
    expect(told.length).toBe(3);
  });

  it('grants and revokes leases', async () => {
    const lease = await etcd.grantLease(60);
    await etcd.transact({ compare: [], success: [put(bytes('leased'), bytes('1'), lease)] });
    await etcd.revokeLease(lease);
    expect((await etcd.range({ key: bytes('leased') })).kvs).toEqual([]);
  });

  it('refuses or warns of versions that are not supported', async () => {
    const warnings: string[] = [];
    const { version } = await etcd.status(cluster.endpoints[0]);
    const warned = await cluster.connect({ onWarning: (message) => warnings.push(message) });
    warned.close();
    if (version.startsWith('3.4.2')) {
      expect(warnings).toEqual([expect.stringContaining('upgrade it to 3.4.42')]);
      expect(await codeOf(cluster.connect({ versionPolicy: 'refuse' }))).toBe('INVALID');
    } else {
      expect(warnings).toEqual([]);
    }
  });

  it('does not open where nobody answers', async () => {
    const opening = Etcd.open({ endpoints: ['127.0.0.1:1'], env: systemEnv() });
    await expect(opening).rejects.toThrow(KvError);
    await expect(opening).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('works no more when it is closed', async () => {
    const closed = await cluster.connect();
    closed.close();
    expect(await codeOf(closed.range({ key: bytes('a') }))).toBe('CLOSED');
  });
});

describe('Etcd with three members', () => {
  let cluster: EtcdCluster;
  let etcd: Etcd;

  beforeAll(async () => {
    cluster = await EtcdCluster.start({ members: 3 });
    etcd = await cluster.connect({ callTimeoutMs: 500 });
  }, 60_000);

  afterAll(async () => {
    etcd?.close();
    await cluster?.stop();
  });

  it('reads on while a member is killed, and while one is paused', async () => {
    const key = bytes('key');
    await etcd.transact({ compare: [], success: [put(key, bytes('1'))] });
    const [first, second] = cluster.members;
    await first.kill();
    expect(String((await etcd.range({ key })).kvs[0].value)).toBe('1');
    first.start();
    await cluster.ready();
    second.pause();
    for (let i = 0; i < 5; i++) expect(String((await etcd.range({ key })).kvs[0].value)).toBe('1');
    second.resume();
  });

  it('calls a change unknown when its member dies, and goes on with another', async () => {
    const key = bytes('counter');
    await cluster.ready();
    let known = 0;
    let unknown = 0;
    const writing = (async () => {
      for (let i = 1; i <= 60; i++) {
        await etcd.transact({ compare: [], success: [put(key, bytes(String(i)))] }).then(
          () => {
            known++;
          },
          (error: KvError) => {
            expect(error.code).toBe('UNDETERMINED');
            unknown++;
          },
        );
      }
    })();
    const leader = await cluster.leader();
    await leader.kill();
    await writing;
    expect(known + unknown).toBe(60);
    expect(known).toBeGreaterThan(30);
    leader.start();
    await cluster.ready();
  }, 60_000);

  it('goes after the lead when that moves, although no call fails', async () => {
    // An interval is over soon.
    const { clock, ...env } = systemEnv();
    const hurried = { now: () => clock.now(), monotonic: () => clock.monotonic() * 100 };
    const client = await cluster.connect({ env: { ...env, clock: hurried } });
    const leader = await cluster.leader();
    expect(client.address).toBe(leader.endpoint);
    const next = cluster.members.find((member) => member !== leader)!;
    const { header } = await client.status(next.endpoint);
    const id = BigInt(header!.memberId).toString(16);
    execFileSync('etcdctl', ['--endpoints', leader.endpoint, 'move-leader', id], {
      env: { ...process.env, ETCDCTL_API: '3' },
    });
    await expect
      .poll(() => client.range({ key: bytes('key') }).then(() => client.address), { timeout: 10_000 })
      .toBe(next.endpoint);
    client.close();
  });

  it('takes up its watches at another member, and says so', async () => {
    const key = bytes('followed');
    const seen: string[] = [];
    let starts = 0;
    const watch = etcd.watch(key, Buffer.alloc(0), {
      onStart: () => starts++,
      onEvents: (events) => seen.push(...events.map(({ kv }) => String(kv!.value))),
    });
    await expect.poll(() => starts).toBe(1);
    for (const member of cluster.members) {
      const before = starts;
      await member.kill();
      member.start();
      await cluster.ready();
      // Only the member that the stream was at interrupts it.
      if (starts === before) continue;
    }
    await expect.poll(() => starts, { timeout: 5000 }).toBeGreaterThan(1);
    await expect
      .poll(
        async () => {
          await etcd.transact({ compare: [], success: [put(key, bytes('last'))] }).catch(() => {});
          return seen.at(-1);
        },
        { timeout: 10_000 },
      )
      .toBe('last');
    watch.close();
  }, 60_000);
});
