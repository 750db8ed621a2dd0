import { Request } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage } from '../memory-storage.js';
import { MutationWriter } from '../mutation.js';
import { putNew, versionedStorage } from '../testing/versioned-storage.js';
import { encodingLimits } from './encoding-limits.js';
import { ListCursor } from './list-cursor.js';
import {
  contentBytesMax,
  heapElement,
  lengthAt,
  nodeBegin,
  nodeCapacity,
  nodeCount,
  nodeEnd,
  nodeKind,
  nodeKinds,
  nodeOrder,
  packedBytes,
  type Side,
  sides,
} from './list-node.js';
import { ListValue } from './list-value.js';

const key = Buffer.from('list');

class Fixture {
  readonly storage: MemoryStorage;
  readonly list: ListValue;

  constructor(seed = 1) {
    this.storage = versionedStorage(seed);
    this.storage.journal = new MutationWriter();
    this.list = putNew(this.storage, key, (db) => new ListValue(db));
  }

  push(side: Side, ...elements: (string | Buffer)[]): void {
    const request = Request.of(...elements);
    this.list.push(side, request, 0, request.count);
  }

  set(index: number, element: Buffer): void {
    this.list.set(index, element, 0, element.length);
  }

  insert(index: number, element: Buffer): void {
    this.list.insert(index, element, 0, element.length);
  }

  get usedBytes(): number {
    return this.storage.database(0).arena.usedBytes;
  }
}

function elementOf(cursor: ListCursor): Buffer {
  return Buffer.from(cursor.bytes.subarray(cursor.start, cursor.start + cursor.length));
}

function elementsOf(list: ListValue): Buffer[] {
  const elements: Buffer[] = [];
  if (list.size === 0) return elements;
  const cursor = new ListCursor();
  cursor.seek(list, 0);
  do {
    elements.push(elementOf(cursor));
  } while (cursor.next());
  return elements;
}

function textsOf(list: ListValue): string[] {
  return elementsOf(list).map((element) => element.toString());
}

function elementsBackwards(list: ListValue): Buffer[] {
  const elements: Buffer[] = [];
  if (list.size === 0) return elements;
  const cursor = new ListCursor();
  cursor.seek(list, list.size - 1);
  do {
    elements.unshift(elementOf(cursor));
  } while (cursor.previous());
  return elements;
}

/** Compares element by element: `toEqual` takes seconds for megabytes. */
function expectSame(actual: readonly Buffer[], expected: readonly Buffer[]): void {
  expect(actual).toHaveLength(expected.length);
  expect(actual.findIndex((element, i) => !element.equals(expected[i]))).toBe(-1);
}

/** The list that the mutations build in another storage. */
function replay(batch: Uint8Array): ListValue | null {
  const storage = new MemoryStorage(new SeededRandom(2));
  storage.apply(batch, 1);
  const db = storage.database(0);
  const ref = db.find(key, 0, key.length);
  return ref === 0 ? null : (db.collection(ref) as ListValue);
}

function journalOf({ storage }: Fixture): Uint8Array {
  return storage.journal!.bytes.subarray(0, storage.journal!.length);
}

function nodeElements(list: ListValue, node: number): Buffer[] {
  const { arena } = list;
  const chunk = arena.chunk(node);
  const block = arena.offset(node);
  if (nodeKind(arena, node) === nodeKinds.heap) return [Buffer.from(heapElement(arena, node))];
  if (nodeKind(arena, node) === nodeKinds.plain) {
    return [Buffer.from(chunk.subarray(block + nodeBegin(arena, node), block + nodeEnd(arena, node)))];
  }
  const elements: Buffer[] = [];
  for (let at = nodeBegin(arena, node); at < nodeEnd(arena, node); ) {
    const length = lengthAt(chunk, block + at);
    const start = block + at + (length < 255 ? 1 : 5);
    elements.push(Buffer.from(chunk.subarray(start, start + length)));
    at += packedBytes(length);
  }
  return elements;
}

/** What must hold of every node. */
function checkNodes(list: ListValue): void {
  const { arena } = list;
  let size = 0;
  for (let position = 0; position < list.nodes; position++) {
    const node = list.node(position);
    expect(nodeCount(arena, node)).toBeGreaterThan(0);
    expect(nodeElements(list, node)).toHaveLength(nodeCount(arena, node));
    if (nodeKind(arena, node) === nodeKinds.packed) {
      expect(nodeEnd(arena, node)).toBeLessThanOrEqual(nodeCapacity(arena, node));
    }
    if (position > 0) {
      expect(nodeOrder(arena, node)).toBeGreaterThan(nodeOrder(arena, list.node(position - 1)));
    }
    size += nodeCount(arena, node);
  }
  expect(size).toBe(list.size);
}

describe('ListValue', () => {
  let fixture: Fixture;
  let list: ListValue;

  beforeEach(() => {
    fixture = new Fixture();
    list = fixture.list;
  });

  it('takes elements at both ends', () => {
    fixture.push(sides.right, 'a', 'b');
    fixture.push(sides.left, 'c', 'd');
    expect(textsOf(list)).toEqual(['d', 'c', 'a', 'b']);
    list.pop(sides.left, 1);
    list.pop(sides.right, 2);
    expect(textsOf(list)).toEqual(['c']);
    expect(list.size).toBe(1);
  });

  it('keeps empty elements, and elements at the borders of their length fields', () => {
    const lengths = [0, 1, 254, 255, 256, contentBytesMax - 10, contentBytesMax - 9, 524288, 524289];
    const elements = lengths.map((length) => Buffer.alloc(length, length & 0xff));
    fixture.push(sides.right, ...elements);
    fixture.push(sides.left, ...elements);
    expectSame(elementsOf(list), [...elements].reverse().concat(elements));
    expectSame(elementsBackwards(list), elementsOf(list));
    checkNodes(list);
  });

  it('serves as a queue in one block that does not grow', () => {
    for (let i = 0; i < 50; i++) fixture.push(sides.right, `element ${i}`);
    const before = fixture.usedBytes;
    for (let i = 50; i < 5000; i++) {
      fixture.push(sides.right, `element ${i}`);
      list.pop(sides.left, 1);
    }
    expect(list.nodes).toBe(1);
    expect(fixture.usedBytes).toBeLessThan(before + 1024);
    expect(textsOf(list)[0]).toBe('element 4950');
  });

  it('gives all memory back, that of huge elements too', () => {
    const before = fixture.usedBytes;
    fixture.push(sides.right, Buffer.alloc(600_000), Buffer.alloc(10_000), 'small');
    for (let i = 0; i < 1000; i++) fixture.push(sides.right, `element ${i}`);
    expect(fixture.usedBytes).toBeGreaterThan(before + 610_000);
    let steps = 1;
    while (!list.release(100)) steps++;
    expect(steps).toBeGreaterThan(1);
    expect(fixture.usedBytes).toBe(before);
  });

  it('shrinks the block of a list that has become short', () => {
    const before = fixture.usedBytes;
    for (let i = 0; i < 200; i++) fixture.push(sides.right, `a longer element ${i}`);
    list.pop(sides.left, 197);
    expect(fixture.usedBytes).toBeLessThan(before + 512);
  });

  it('splits a full node where an element is inserted', () => {
    for (let i = 0; i < 1000; i++) fixture.push(sides.right, `e${i}`);
    const texts = textsOf(list);
    for (let i = 0; i < 3000; i++) {
      fixture.insert(500, Buffer.from(`inserted ${i}`));
      texts.splice(500, 0, `inserted ${i}`);
    }
    expect(textsOf(list)).toEqual(texts);
    checkNodes(list);
    expect(list.nodes).toBeLessThan(16);
  });

  it('numbers its nodes anew when there is no number left between two', () => {
    const large = Buffer.alloc(9000, 'x');
    fixture.push(sides.right, large, large);
    list.trackNodes();
    list.nodesWritten();
    for (let i = 0; i < 300; i++) fixture.insert(1, large);
    checkNodes(list);
    expect(list.size).toBe(302);
  });

  it('joins nodes that a removal left almost empty', () => {
    for (let i = 0; i < 10_000; i++) fixture.push(sides.right, `element ${i}`);
    const nodes = list.nodes;
    const gone: number[] = [];
    for (let i = 0; i < 10_000; i++) if (i % 50 !== 0) gone.push(i);
    list.remove(gone);
    expect(list.nodes).toBeLessThan(nodes / 8);
    expect(textsOf(list)).toEqual(Array.from({ length: 200 }, (_, i) => `element ${i * 50}`));
    checkNodes(list);
  });

  it('finds elements from either end, with a number to pass over, a maximum, and a limit of looks', () => {
    fixture.push(sides.right, ...'abcabcabc');
    const find = (text: string, side: Side, skip = 0, matches = 9, looks = 9): number[] => {
      const into: number[] = [];
      const bytes = Buffer.from(text);
      list.search({ bytes, start: 0, length: bytes.length, side, skip, matches, looks }, into);
      return into;
    };
    expect(find('b', sides.left)).toEqual([1, 4, 7]);
    expect(find('b', sides.right)).toEqual([7, 4, 1]);
    expect(find('b', sides.left, 1)).toEqual([4, 7]);
    expect(find('b', sides.right, 1, 1)).toEqual([4]);
    expect(find('b', sides.left, 0, 9, 4)).toEqual([1]);
    expect(find('x', sides.left)).toEqual([]);
  });

  it('journals nothing and touches nothing while it is not attached', () => {
    const loose = new ListValue(fixture.storage.database(0));
    const { count } = fixture.storage.journal!;
    loose.pushOne(sides.left, Buffer.from('x'), 0, 1);
    expect(loose.size).toBe(1);
    expect(fixture.storage.journal!.count).toBe(count);
  });

  it('tolerates mutations that do not fit its state, reading all of their fields', () => {
    fixture.push(sides.right, 'a', 'b', 'c');
    list.pop(sides.right, 2);
    fixture.set(0, Buffer.from('d'));
    fixture.push(sides.right, 'e', 'f');
    fixture.insert(2, Buffer.from('g'));
    list.remove([1, 2]);
    fixture.push(sides.left, 'last');
    const journal = Buffer.from(journalOf(fixture));
    // Without the first push, that is: applied to nothing.
    const first = new Fixture();
    first.push(sides.right, 'a', 'b', 'c');
    const rest = replay(journal.subarray(journalOf(first).length))!;
    expect(textsOf(rest)[0]).toBe('last');
    expect(textsOf(replay(journal)!)).toEqual(['last', 'd', 'f']);
  });
});

describe('the encoding of a list', () => {
  let fixture: Fixture;

  beforeEach(() => {
    fixture = new Fixture();
    encodingLimits.listListpackSize = -2;
  });

  it('is a listpack up to 8 KiB, integers counted as such', () => {
    // 7 bytes of head, 5 for each element; the new one is counted by its length alone.
    for (let i = 0; i < 1636; i++) fixture.push(sides.right, 'xxx');
    expect(fixture.list.encoding).toBe('listpack');
    fixture.push(sides.right, 'xxx');
    expect(fixture.list.encoding).toBe('listpack');
    fixture.push(sides.right, 'xxx');
    expect(fixture.list.encoding).toBe('quicklist');

    const numbers = new Fixture();
    for (let i = 0; i < 2700; i++) numbers.push(sides.right, '1234');
    expect(numbers.list.encoding).toBe('listpack');
    expect(numbers.list.nodes).toBeGreaterThan(1);
    for (let i = 0; i < 30; i++) numbers.push(sides.right, '1234');
    expect(numbers.list.encoding).toBe('quicklist');
  });

  it('is a listpack again at half of that', () => {
    fixture.push(sides.right, Buffer.alloc(5000), Buffer.alloc(3000), Buffer.alloc(300));
    expect(fixture.list.encoding).toBe('quicklist');
    fixture.list.pop(sides.right, 1);
    expect(fixture.list.encoding).toBe('quicklist');
    fixture.list.pop(sides.left, 1);
    expect(fixture.list.encoding).toBe('listpack');

    fixture.set(0, Buffer.alloc(9000));
    expect(fixture.list.encoding).toBe('quicklist');
    fixture.set(0, Buffer.from('small'));
    expect(fixture.list.encoding).toBe('listpack');
  });

  it('follows a limit of elements', () => {
    encodingLimits.listListpackSize = 4;
    fixture.push(sides.right, 'a', 'b', 'c', 'd');
    expect(fixture.list.encoding).toBe('listpack');
    fixture.insert(1, Buffer.from('e'));
    expect(fixture.list.encoding).toBe('quicklist');
    fixture.list.pop(sides.left, 2);
    expect(fixture.list.encoding).toBe('quicklist');
    fixture.list.remove([1]);
    expect(fixture.list.encoding).toBe('listpack');
    encodingLimits.listListpackSize = -2;
  });
});

describe('ListValue against an array', () => {
  const shapes = [
    { name: 'small elements', lengths: [0, 1, 3, 12, 60], huge: 0 },
    {
      name: 'elements around the limits',
      lengths: [3, 200, 254, 255, 1000, 4000, 8000, 8158, 8159, 9000],
      huge: 0,
    },
    { name: 'huge elements', lengths: [3, 100, 9000], huge: 530_000 },
  ];

  for (const { name, lengths, huge } of shapes) {
    it(`keeps ${name} as an array does, in its mutations and descriptions too`, () => {
      for (const seed of [1, 2, 3]) runAgainstArray(seed, lengths, huge);
    });
  }
});

function runAgainstArray(seed: number, lengths: readonly number[], huge: number): void {
  const random = new SeededRandom(seed);
  const below = (bound: number): number => random.uint32() % bound;
  const fixture = new Fixture(seed);
  const { list } = fixture;
  const model: Buffer[] = [];
  const disk = new Map<number, Buffer[]>();
  const alphabet = Array.from({ length: 12 }, (_, i) => Buffer.from(`element ${i}`));
  const makeElement = (): Buffer => {
    if (below(3) === 0) return alphabet[below(12)];
    if (huge > 0 && below(20) === 0) return Buffer.alloc(huge + below(9), below(256));
    return Buffer.alloc(lengths[below(lengths.length)], 65 + below(26));
  };
  list.trackNodes();

  const steps: (() => void)[] = [
    () => {
      const elements = Array.from({ length: 1 + below(huge > 0 ? 4 : 60) }, makeElement);
      const side = below(2) as Side;
      fixture.push(side, ...elements);
      if (side === sides.right) model.push(...elements);
      else model.unshift(...elements.reverse());
    },
    () => {
      const element = makeElement();
      const side = below(2) as Side;
      list.pushOne(side, element, 0, element.length);
      if (side === sides.right) model.push(element);
      else model.unshift(element);
    },
    () => {
      if (model.length === 0) return;
      const count = Math.min(model.length, below(below(10) === 0 ? 300 : 5));
      const side = below(2) as Side;
      list.pop(side, count);
      model.splice(side === sides.left ? 0 : model.length - count, count);
    },
    () => {
      if (model.length === 0) return;
      const index = below(model.length);
      const element = makeElement();
      fixture.set(index, element);
      model[index] = element;
    },
    () => {
      const index = below(model.length + 1);
      const element = makeElement();
      fixture.insert(index, element);
      model.splice(index, 0, element);
    },
    () => {
      if (model.length === 0) return;
      const density = 1 + below(20);
      const indexes = [...model.keys()].filter(() => below(density) === 0);
      if (indexes.length === 0) return;
      list.remove(indexes);
      for (const index of indexes.reverse()) model.splice(index, 1);
    },
    () => {
      if (model.length === 0) return;
      const wanted = alphabet[below(12)];
      const side = below(2) as Side;
      const into: number[] = [];
      const matches = 1 + below(5);
      const skip = below(3);
      list.search({ bytes: wanted, start: 0, length: wanted.length, side, skip, matches, looks: 1e9 }, into);
      const all = [...model.keys()].filter((i) => model[i].equals(wanted));
      if (side === sides.right) all.reverse();
      expect(into).toEqual(all.slice(skip, skip + matches));
    },
  ];

  const cursor = new ListCursor();
  for (let step = 0; step < (huge > 0 ? 150 : 600); step++) {
    steps[below(steps.length)]();
    if (list.size !== model.length) throw new Error(`seed ${seed}, step ${step}: ${list.size} elements`);
    for (let i = 0; i < 3 && model.length > 0; i++) {
      const index = below(model.length);
      cursor.seek(list, index);
      if (!elementOf(cursor).equals(model[index])) throw new Error(`seed ${seed}, step ${step}: at ${index}`);
    }
    if (step % 50 !== 0) continue;
    checkNodes(list);
    expectSame(elementsOf(list), model);
    expectSame(elementsBackwards(list), model);
    for (const order of list.removedOrders) disk.delete(order);
    list.forEachDirtyNode((order, node) => disk.set(order, nodeElements(list, node)));
    list.nodesWritten();
    const stored = [...disk].sort(([a], [b]) => a - b).flatMap(([, elements]) => elements);
    expectSame(stored, model);
  }

  const replayed = replay(journalOf(fixture));
  expectSame(elementsOf(replayed!), model);
  const writer = new MutationWriter();
  list.describe(writer);
  const described = replay(writer.bytes.subarray(0, writer.length));
  expectSame(elementsOf(described!), model);
}
