import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { Arena, type Ref } from '../arena.js';
import { Dict } from '../dict.js';
import { OrderedIndex } from './ordered-index.js';
import { ZSetBound } from './zset-bound.js';

interface Entry {
  score: number;
  readonly member: string;
  readonly ref: Ref;
}

/** The index beside the simplest thing that could be one: a sorted array. */
class Pair {
  readonly arena = new Arena();
  readonly dict = new Dict(this.arena, 7);
  readonly index = new OrderedIndex(this.dict);
  readonly model: Entry[] = [];

  add(score: number, member: string): void {
    const bytes = Buffer.from(member, 'latin1');
    if (this.dict.find(bytes, 0, bytes.length) !== 0) return;
    const ref = this.dict.create(bytes, 0, bytes.length, 0, 0);
    this.index.insert(score, ref);
    this.model.push({ score, member, ref });
    this.model.sort(order);
  }

  remove(rank: number): void {
    const [entry] = this.model.splice(rank, 1);
    if (rank % 2 === 0) this.index.seek(rank);
    else this.index.locate(entry.score, entry.ref);
    expect(this.index.refAt(this.index.leaf, this.index.slot)).toBe(entry.ref);
    this.index.removeHere();
    const bytes = Buffer.from(entry.member, 'latin1');
    this.dict.remove(this.dict.find(bytes, 0, bytes.length));
  }

  move(rank: number, score: number): void {
    const entry = this.model[rank];
    this.index.move(entry.score, score, entry.ref);
    entry.score = score;
    this.model.sort(order);
  }

  check(): void {
    const { index, model } = this;
    expect(index.size).toBe(model.length);
    if (model.length === 0) return;
    const forward: Ref[] = [];
    index.seek(0);
    for (let leaf = index.leaf; leaf !== 0; leaf = index.nextOf(leaf)) {
      for (let slot = 0; slot < index.countOf(leaf); slot++) forward.push(index.refAt(leaf, slot));
    }
    expect(forward).toEqual(model.map(({ ref }) => ref));
    const back: Ref[] = [];
    index.seek(model.length - 1);
    for (let leaf = index.leaf; leaf !== 0; leaf = index.previousOf(leaf)) {
      for (let slot = index.countOf(leaf) - 1; slot >= 0; slot--) back.unshift(index.refAt(leaf, slot));
    }
    expect(back).toEqual(forward);
  }

  checkRanks(rank: number): void {
    const { index, model } = this;
    const { score, ref } = model[rank];
    index.locate(score, ref);
    expect(index.rankHere).toBe(rank);
    index.seek(rank);
    expect(index.rankHere).toBe(rank);
    expect(index.refAt(index.leaf, index.slot)).toBe(ref);
    const bound = new ZSetBound();
    bound.atScore(score, false);
    expect(index.countBefore(bound)).toBe(model.filter((entry) => entry.score < score).length);
    bound.atScore(score, true);
    expect(index.countBefore(bound)).toBe(model.filter((entry) => entry.score <= score).length);
  }
}

/** Byte strings compare as bytes do. */
function order(a: Entry, b: Entry): number {
  return a.score - b.score || (a.member < b.member ? -1 : 1);
}

describe('OrderedIndex', () => {
  it.each([1, 2, 3])('agrees with a sorted array through growing and shrinking (seed %i)', (seed) => {
    const { random } = new SimulatedEnv(seed);
    const below = (n: number) => random.uint32() % n;
    const pair = new Pair();
    for (const [operations, adds] of [
      [3000, 90],
      [3000, 50],
      [4000, 5],
    ]) {
      for (let i = 0; i < operations; i++) {
        const { model } = pair;
        if (model.length === 0 || below(100) < adds) pair.add(below(40), `m${below(100000)}`);
        else if (below(2) === 0) pair.remove(below(model.length));
        else pair.move(below(model.length), below(40));
        if (i % 500 === 0) pair.check();
        if (i % 10 === 0 && pair.model.length > 0) pair.checkRanks(below(pair.model.length));
      }
      pair.check();
    }
  });

  it('orders equal scores by bytes, the shorter first when it is a prefix', () => {
    const pair = new Pair();
    for (const member of [
      'b',
      '',
      'a',
      '\xff',
      'aa',
      'abcdefgh',
      'abcd',
      'abcdefgi',
      '\x00',
      'abc\xffefgh',
    ]) {
      pair.add(0, member);
    }
    pair.check();
    const bound = new ZSetBound();
    const members = pair.model.map(({ member }) => member);
    for (const probe of [...members, 'abcdefg', '\x80', 'zzz']) {
      const bytes = Buffer.from(probe, 'latin1');
      const { length } = bytes;
      bound.atMember(bytes, 0, length, false);
      expect(pair.index.countBefore(bound)).toBe(members.filter((member) => member < probe).length);
      bound.atMember(bytes, 0, length, true);
      expect(pair.index.countBefore(bound)).toBe(members.filter((member) => member <= probe).length);
    }
  });

  it.each([
    ['ascending', (i: number) => i],
    ['descending', (i: number) => -i],
    ['equal', () => 0],
  ])('fills its nodes with %s scores', (_, scoreOf) => {
    const { arena, dict, index } = new Pair();
    const count = 20_000;
    for (let i = 0; i < count; i++) {
      const bytes = Buffer.from(String(i).padStart(8, '0'));
      dict.find(bytes, 0, bytes.length);
      index.insert(scoreOf(i), dict.create(bytes, 0, bytes.length, 0, 0));
    }
    const nodeBytes = arena.usedBytes - dict.indexBytes - count * 24;
    expect(nodeBytes / count).toBeLessThan(14);
    index.seek(12_345);
    expect(index.rankHere).toBe(12_345);
  });

  it('gives all its memory back, bit by bit or entry by entry', () => {
    const pair = new Pair();
    const { arena, dict, index } = pair;
    const add = () => {
      for (let i = 0; i < 10_000; i++) {
        const bytes = Buffer.from(`m${(i * 7919) % 10_007}`);
        dict.find(bytes, 0, bytes.length);
        index.insert(i % 10, dict.create(bytes, 0, bytes.length, 0, 0));
      }
    };
    add();
    while (index.size > 0) {
      index.seek(index.size >>> 1);
      index.removeHere();
    }
    dict.clear();
    expect(arena.usedBytes).toBe(768);
    add();
    let steps = 0;
    for (; !index.release(100); steps++) expect(steps).toBeLessThan(1000);
    expect(steps).toBeGreaterThan(50);
    while (!dict.release(100));
    expect(arena.usedBytes).toBe(0);
  });
});
