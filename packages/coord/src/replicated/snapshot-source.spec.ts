import { KvError } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import type { Log } from '@holdfast/log';
import { MemoryStorage } from '@holdfast/storage';
import { expect, it } from 'vitest';
import { ReplicaState } from './replica-state.js';
import { encodeSnapshot } from './snapshot-frames.js';
import { PeerSnapshots } from './snapshot-source.js';

/** Nodes with snapshots that reach so far; `open` are those whose stream has not ended. */
function nodesAt(positions: Readonly<Record<string, number>>) {
  const open = new Set<string>();
  async function* stream(node: string): AsyncGenerator<Uint8Array> {
    open.add(node);
    try {
      const from = positions[node];
      yield* encodeSnapshot({ from, to: () => from, batches: (async function* () {})() });
    } finally {
      open.delete(node);
    }
  }
  const peers = { nodesOf: () => Object.keys(positions), open: stream };
  return { open, source: new PeerSnapshots(peers) };
}

it('ends the stream of a node that has nothing further, and asks the next one', async () => {
  const { open, source } = nodesAt({ a: 5, b: 9, c: 20 });
  const { close, from } = await source.fetch('s', 9);
  expect(from).toBe(20);
  expect([...open]).toEqual(['c']);
  await close?.();
  expect([...open]).toEqual([]);
});

it('ends the stream when there is no room for what it brings', async () => {
  const { open, source } = nodesAt({ a: 5 });
  const env = new SimulatedEnv();
  const storage = new MemoryStorage(env.random);
  const place = {
    openStorage: async () => storage,
    resetStorage: async () => {
      throw new KvError('DISK', 'full');
    },
    snapshots: null,
  };
  const options = { shard: 's', env, log: {} as Log, place, source, onError: () => {} };
  const state = ReplicaState.over(storage, 0, options);
  await expect(state.fetch()).rejects.toThrow('full');
  expect([...open]).toEqual([]);
});
