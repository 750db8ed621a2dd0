import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { Arena, type Ref } from './arena.js';
import { Dict } from './dict.js';
import { Expiries } from './expiries.js';

const slack = 64;

function setUp() {
  const dict = new Dict(new Arena(1 << 20), 7);
  const expiries = new Expiries(dict, slack);
  const find = (name: string): Ref => {
    const bytes = Buffer.from(name);
    return dict.find(bytes, 0, bytes.length);
  };
  const add = (name: string): Ref => {
    const bytes = Buffer.from(name);
    expect(dict.find(bytes, 0, bytes.length)).toBe(0);
    return dict.create(bytes, 0, bytes.length, 0, 0);
  };
  const nameOf = (ref: Ref): string => {
    const start = dict.keyStart(ref);
    return Buffer.from(dict.arena.chunk(ref).subarray(start, start + dict.keyLength(ref))).toString();
  };
  const remove = (ref: Ref): void => {
    if (dict.expiry(ref) !== 0) expiries.removed();
    dict.remove(ref);
  };
  return { dict, expiries, find, add, nameOf, remove };
}

for (const seed of [1, 2, 3]) {
  it(`finds what expired, and nothing else, whatever is set, put off and removed (seed ${seed})`, () => {
    const random = new SeededRandom(seed);
    const { expiries, find, add, nameOf, remove } = setUp();
    const model = new Map<string, number>();
    let nowMs = 1000;
    for (let step = 0; step < 4000; step++) {
      const name = `field ${random.uint32() % 200}`;
      const ref = find(name);
      const action = random.uint32() % 10;
      if (action < 7) {
        const expiryMs = nowMs + 1 + (random.uint32() % 500);
        expiries.set(ref === 0 ? add(name) : ref, expiryMs);
        model.set(name, expiryMs);
      } else if (action === 7 && ref !== 0) {
        expiries.set(ref, 0);
        model.delete(name);
      } else if (action === 8 && ref !== 0) {
        remove(ref);
        model.delete(name);
      } else {
        nowMs += random.uint32() % 20;
        const due = [...model].filter(([, expiryMs]) => expiryMs <= nowMs).map(([each]) => each);
        const found: string[] = [];
        for (let next = expiries.next(nowMs); next !== 0; next = expiries.next(nowMs)) {
          if (next < 0) continue;
          found.push(nameOf(next));
          remove(next);
        }
        expect(found.sort()).toEqual(due.sort());
        for (const each of due) model.delete(each);
      }
      expect(expiries.count).toBe(model.size);
      expect(expiries.queued).toBeLessThanOrEqual(slack + 1 + 2 * 200);
    }
    const earliestMs = Math.min(...model.values());
    expect(expiries.earliestMs).toBeLessThanOrEqual(earliestMs);
    expect(model.get(nameOf(expiries.soonest()))).toBe(earliestMs);
  });
}

it('leaves the entry of a record alone that is put off again and again', () => {
  const { expiries, find, add } = setUp();
  expiries.set(add('session'), 1000);
  for (let expiryMs = 2000; expiryMs < 3000; expiryMs++) expiries.set(find('session'), expiryMs);
  expect([expiries.queued, expiries.earliestMs, expiries.latestMs]).toEqual([1, 1000, 2999]);
  expect(expiries.next(1000)).toBe(0);
  expect([expiries.queued, expiries.earliestMs]).toEqual([1, 2999]);
  expect(expiries.next(2999)).toBe(find('session'));
});
