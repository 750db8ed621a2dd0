import { expect, it } from 'vitest';
import { NodeSnapshots, type ShardKeeper } from './node-snapshots.js';

/** Shards of a node that are saved when the test says so. */
class TestKeeper implements ShardKeeper {
  lastFinishedMs = 0;
  savedWrites = 0;
  taken = 0;
  finish: (error?: Error) => void = () => {};

  take(): Promise<void> {
    this.taken++;
    return new Promise((resolve, reject) => {
      this.finish = (error) => (error === undefined ? resolve() : reject(error));
    });
  }
}

async function turn(): Promise<void> {
  await new Promise(setImmediate);
}

function nodeOf(...names: string[]) {
  const node = new NodeSnapshots();
  const keepers = names.map(() => new TestKeeper());
  for (const [i, name] of names.entries()) node.add(name, keepers[i]);
  return { node, keepers };
}

it('saves all shards of the node, one after the other, and is done with the last', async () => {
  const { node, keepers } = nodeOf('s0', 's1');
  const one = node.of('s0');
  const saved = one.take();
  expect([one.isRunning, node.of('s1').isRunning]).toEqual([true, true]);
  expect(node.of('s1').take()).toBe(saved);
  expect(keepers.map(({ taken }) => taken)).toEqual([1, 0]);
  keepers[0].finish();
  await turn();
  expect([one.isRunning, keepers[1].taken]).toEqual([true, 1]);
  keepers[1].finish();
  await saved;
  expect([one.isRunning, one.hasFailed]).toEqual([false, false]);
});

it('names the shard that could not be saved, and saves the others', async () => {
  const { node, keepers } = nodeOf('s0', 's1');
  const saved = node.of('s1').take();
  keepers[0].finish(new Error('the disk is full'));
  await turn();
  keepers[1].finish();
  await expect(saved).rejects.toThrow('shard s0: the disk is full');
  expect([keepers[1].taken, node.of('s1').hasFailed]).toEqual([1, true]);
});

it('was saved when its oldest shard was, and never while one was not', () => {
  const { node, keepers } = nodeOf('s0', 's1');
  keepers[0].lastFinishedMs = 2000;
  expect(node.of('s0').lastFinishedMs).toBe(0);
  keepers[1].lastFinishedMs = 1000;
  expect(node.of('s0').lastFinishedMs).toBe(1000);
});

it('passes over a shard that left the node meanwhile', async () => {
  const { node, keepers } = nodeOf('s0', 's1');
  const saved = node.of('s0').take();
  node.remove('s1');
  keepers[0].finish();
  await saved;
  expect(keepers[1].taken).toBe(0);
});
