/** The twin agrees with a real etcd over random transactions, reads of history, compactions and watches. */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { etcdserverpb, mvccpb } from '@holdfast/rpc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Etcd } from '../etcd.js';
import type { Transaction } from '../etcd-store.js';
import {
  type Compare,
  exists,
  get,
  type Operation,
  put,
  remove,
  revisionIs,
  valueIs,
  versionIs,
} from '../operations.js';
import { EtcdCluster } from './etcd-cluster.js';
import { MemoryEtcd } from './memory-etcd.js';

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

const keyOf = (random: Random): Buffer => Buffer.from(`k${randomBelow(random, 6)}`);

function rangeOf(random: Random): { key: Buffer; rangeEnd: Buffer } {
  const key = keyOf(random);
  return { key, rangeEnd: randomBelow(random, 2) === 0 ? Buffer.alloc(0) : Buffer.from('k9') };
}

function comparison(random: Random, revision: number): Compare {
  const key = keyOf(random);
  const choices = [
    () => exists(key),
    () => versionIs(key, randomBelow(random, 3)),
    () => valueIs(key, Buffer.from(String(randomBelow(random, 3)))),
    () => revisionIs(key, revision - randomBelow(random, 4)),
  ];
  return choices[randomBelow(random, choices.length)]();
}

function operation(random: Random): Operation {
  const choices = [
    () => put(keyOf(random), Buffer.from(String(randomBelow(random, 3)))),
    () => put(keyOf(random), Buffer.from(String(randomBelow(random, 3)))),
    () => remove(...(Object.values(rangeOf(random)) as [Buffer, Buffer])),
    () => get(keyOf(random), { ...rangeOf(random), limit: randomBelow(random, 3) }),
    () => get(keyOf(random), { ...rangeOf(random), keysOnly: true }),
  ];
  return choices[randomBelow(random, choices.length)]();
}

const many = <T>(random: Random, most: number, make: () => T): T[] =>
  Array.from({ length: randomBelow(random, most + 1) }, make);

const pairOf = (
  { key, value, createRevision, modRevision, version }: mvccpb.KeyValue,
  offset: number,
): unknown[] => [
  String(key),
  String(value),
  createRevision === 0 ? 0 : createRevision - offset,
  modRevision - offset,
  version,
];

/** What matters of a response, with revisions counted from `offset`. */
function essence(response: etcdserverpb.TxnResponse, offset: number): unknown {
  const responses = response.responses.map(({ response: of }) => {
    if (of?.$case === 'responseRange')
      return [of.value.count, of.value.kvs.map((pair) => pairOf(pair, offset))];
    return of?.$case === 'responseDeleteRange' ? of.value.deleted : 'put';
  });
  return [response.succeeded, response.header!.revision - offset, responses];
}

describe('MemoryEtcd', () => {
  it('answers as a real one', async () => {
    const random = new SeededRandom(20);
    const twin = new MemoryEtcd();
    const offset = (await etcd.range({ key: Buffer.from('k') })).header!.revision - twin.revision;
    const told: unknown[] = [];
    const toldTwin: unknown[] = [];
    const [key, end] = [Buffer.from('k'), Buffer.from('l')];
    const noteIn = (list: unknown[], of: number) => (events: readonly mvccpb.Event[]) => {
      list.push(...events.map(({ type, kv }) => [type, ...pairOf(kv!, of)]));
    };
    await new Promise<void>((onStart) => etcd.watch(key, end, { onStart, onEvents: noteIn(told, offset) }));
    twin.watch(key, end, noteIn(toldTwin, 0));
    for (let i = 0; i < 600; i++) {
      const { revision } = twin;
      const transaction: Transaction = {
        compare: many(random, 2, () => comparison(random, revision)),
        success: many(random, 4, () => operation(random)),
        failure: many(random, 3, () => operation(random)),
      };
      const real: Transaction = {
        ...transaction,
        compare: transaction.compare.map((compare) =>
          compare.targetUnion?.$case === 'modRevision' && compare.targetUnion.value > 0
            ? { ...compare, targetUnion: { $case: 'modRevision', value: compare.targetUnion.value + offset } }
            : compare,
        ),
      };
      const expected = await etcd.transact(real).then(
        (response) => essence(response, offset),
        () => 'refused',
      );
      let found: unknown;
      try {
        found = essence(twin.transact(transaction), 0);
      } catch {
        found = 'refused';
      }
      expect(found, `transaction ${i}`).toEqual(expected);
      if (i % 50 === 49) {
        await etcd.compact(twin.revision - 5 + offset);
        twin.compact(twin.revision - 5);
      }
      const at = Math.max(1, twin.revision - randomBelow(random, 10));
      const range = { ...rangeOf(random), limit: randomBelow(random, 3) };
      const read = await etcd.range({ ...range, revision: at + offset }).then(
        ({ kvs, count, more }) => [count, more, kvs.map((pair) => pairOf(pair, offset))],
        () => 'refused',
      );
      let readTwin: unknown;
      try {
        const { kvs, count, more } = twin.range({ ...range, revision: at });
        readTwin = [count, more, kvs.map((pair) => pairOf(pair, 0))];
      } catch {
        readTwin = 'refused';
      }
      expect(readTwin, `reading after transaction ${i}`).toEqual(read);
    }
    await expect.poll(() => told.length).toBe(toldTwin.length);
    expect(toldTwin).toEqual(told);
    expect(told.length).toBeGreaterThan(300);
  });
});
