import type { ShardPlacement } from '@holdfast/coord';
import { describe, expect, it } from 'vitest';
import { loadsOf, type Move, movesOffNode, movesOntoNode, withNode, withoutNode } from './placement.js';

function placed(shards: readonly (readonly string[])[]): ShardPlacement[] {
  return shards.map((nodes, i) => ({ shard: `s${i}`, slots: [[i, i]], nodes }));
}

/** One after the other, as an operator's command does it: never with fewer replicas than before. */
function carriedOut(shards: ShardPlacement[], moves: readonly Move[]): ShardPlacement[] {
  let current = shards;
  for (const { shard, from, to } of moves) {
    if (to !== null) current = withNode(current, shard, to);
    if (from !== null) current = withoutNode(current, shard, from);
  }
  return current;
}

describe('placement', () => {
  it('gives a new node its share, and takes it from those that have the most', () => {
    const before = placed(Array.from({ length: 12 }, () => ['a', 'b', 'c']));
    const moves = movesOntoNode(before, 'd', 3);
    const after = carriedOut(before, moves);
    expect([...loadsOf(after, []).values()]).toEqual([9, 9, 9, 9]);
    expect(moves).toHaveLength(9);
    for (const { nodes } of after) expect(new Set(nodes).size).toBe(3);
    expect(movesOntoNode(after, 'd', 3)).toEqual([]);
  });

  it('fills up shards that have too few replicas first', () => {
    const before = placed([['a'], ['a', 'b']]);
    const after = carriedOut(before, movesOntoNode(before, 'b', 2));
    expect(after.map(({ nodes }) => nodes)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  it('takes everything off a node, evenly, onto nodes that have no replica of the shard', () => {
    const before = placed(
      Array.from({ length: 12 }, (_, i) => ['a', 'b', 'c', 'd'].filter((_, j) => j !== i % 4)),
    );
    const after = carriedOut(before, movesOffNode(before, 'd', ['a', 'b', 'c', 'd']));
    expect(loadsOf(after, [])).toEqual(
      new Map([
        ['b', 12],
        ['c', 12],
        ['a', 12],
      ]),
    );
  });

  it('has fewer replicas rather than none at all, and refuses to have none', () => {
    const before = placed([['a', 'b']]);
    expect(movesOffNode(before, 'b', ['a', 'b'])).toEqual([{ shard: 's0', from: 'b', to: null }]);
    expect(() => movesOffNode(placed([['b']]), 'b', ['b'])).toThrow('b has the only replica of shard s0');
  });
});
