import { KvError } from '@holdfast/common';
import { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';
import type { Operation, Transaction } from '@holdfast/etcd';
import type { etcdserverpb } from '@holdfast/rpc';
import { beforeEach, describe, expect, it } from 'vitest';
import { EtcdLayout } from './etcd-layout.js';
import { claimSeconds } from './limits.js';
import { NodeClaim, type NodeClaimOptions } from './node-claim.js';

interface Kept {
  readonly value: Buffer;
  readonly revision: number;
  readonly lease: number;
}

/** One key of etcd, and its leases. */
class LeasedKey {
  readonly #env: SimulatedEnv;
  readonly #leases = new Map<number, number>();
  #kept: Kept | null = null;
  #revision = 1;
  isDown = false;

  constructor(env: SimulatedEnv) {
    this.#env = env;
  }

  async grantLease(seconds: number): Promise<number> {
    this.#look();
    const id = 1 + this.#env.random.uint32();
    this.#leases.set(id, this.#env.clock.monotonic() + seconds * 1000);
    return id;
  }

  async revokeLease(id: number): Promise<void> {
    this.#leases.delete(id);
    this.#look();
  }

  async range(): Promise<etcdserverpb.RangeResponse> {
    const kept = this.#look();
    const kvs = kept === null ? [] : [{ value: kept.value, modRevision: kept.revision }];
    return { kvs } as unknown as etcdserverpb.RangeResponse;
  }

  async transact({ compare, success }: Transaction): Promise<etcdserverpb.TxnResponse> {
    const kept = this.#look();
    const union = compare[0].targetUnion as { value: number };
    const succeeded = union.value === (kept?.revision ?? 0);
    if (succeeded) {
      const { value, lease } = (success[0].request as Extract<Operation['request'], { $case: 'requestPut' }>)
        .value;
      this.#kept = { value, lease, revision: ++this.#revision };
    }
    return { succeeded, header: { revision: this.#revision } } as unknown as etcdserverpb.TxnResponse;
  }

  #look(): Kept | null {
    if (this.isDown) throw new KvError('UNAVAILABLE', 'etcd does not answer');
    const untilMs = this.#leases.get(this.#kept?.lease ?? 0) ?? 0;
    if (untilMs <= this.#env.clock.monotonic()) this.#kept = null;
    return this.#kept;
  }
}

let env: SimulatedEnv;
let etcd: LeasedKey;
const lost: string[] = [];

beforeEach(() => {
  lost.length = 0;
  env = new SimulatedEnv(1);
  etcd = new LeasedKey(env);
});

function take(identity: string, seed: number): Promise<NodeClaim> {
  const options: NodeClaimOptions = {
    etcd: etcd as unknown as NodeClaimOptions['etcd'],
    env: { clock: env.clock, timers: env.timers, random: new SeededRandom(seed) },
    layout: new EtcdLayout('test/'),
    node: 'n1',
    identity,
    onLost: ({ message }) => lost.push(`${identity}: ${message}`),
  };
  return NodeClaim.take(options);
}

/** Of virtual time; what waits goes on meanwhile. */
async function seconds(count: number): Promise<void> {
  for (let i = 0; i < count * 10; i++) {
    env.advance(100);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}

/** A process that dies: it renews nothing any more, and releases nothing. */
async function takenBySomebodyWhoDies(identity: string): Promise<void> {
  const claim = await take(identity, 7);
  const { revokeLease } = etcd;
  etcd.revokeLease = async () => {};
  await claim.release();
  etcd.revokeLease = revokeLease;
}

describe('the name of a node', () => {
  it('is refused to a second process while the first one runs', async () => {
    await take('a', 1);
    const second = take('b', 2).then(
      () => 'taken',
      (error: KvError) => `${error.code} ${error.message}`,
    );
    await seconds(5);
    expect(await second).toMatch(/^LOCKED node n1 runs already: process \d+ on /);
    await seconds(60);
    expect(lost).toEqual([]);
  });

  it('can be had at once after an orderly end', async () => {
    await (await take('a', 1)).release();
    await take('b', 2);
  });

  it('is taken over at once by the same directory, whose process has died', async () => {
    await takenBySomebodyWhoDies('a');
    await take('a', 2);
    await seconds(60);
    expect(lost).toEqual([]);
  });

  it('is had by another directory when the lease of a process that died is over', async () => {
    await takenBySomebodyWhoDies('a');
    let isTaken = false;
    void take('b', 2).then(() => {
      isTaken = true;
    });
    await seconds(claimSeconds - 1);
    expect(isTaken).toBe(false);
    await seconds(2);
    expect(isTaken).toBe(true);
  });

  it('is kept while etcd does not answer for a while', async () => {
    await take('a', 1);
    etcd.isDown = true;
    await seconds(claimSeconds * 2);
    etcd.isDown = false;
    await seconds(5);
    await expect(
      Promise.race([take('b', 2), seconds(5).then(() => Promise.reject(new Error('waits')))]),
    ).rejects.toMatchObject({ code: 'LOCKED' });
    expect(lost).toEqual([]);
  });

  it('is lost by a process that was silent for so long that another one has it: it ends', async () => {
    await take('a', 1);
    etcd.isDown = true;
    await seconds(claimSeconds + 1);
    etcd.isDown = false;
    await take('b', 2);
    await seconds(5);
    expect(lost).toHaveLength(1);
    expect(lost[0]).toMatch(/^a: node n1 runs already/);
  });

  it('tells a copy of a directory, whose process has started since, from the own life', async () => {
    await take('a', 1);
    await take('a', 2);
    await seconds(5);
    expect(lost).toEqual([expect.stringContaining('node n1 runs already')]);
  });
});
