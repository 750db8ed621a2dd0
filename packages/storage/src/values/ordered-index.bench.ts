/**
 * A large sorted set's Dict and index under a million random members. A plain script, because what counts
 * is time per operation once nothing fits the caches any more. After a build:
 *
 *     node packages/storage/dist/values/ordered-index.bench.js
 *
 * An entry with a member of 20 bytes takes 53 bytes: 40 in its record, 13 in the index.
 */
import { randomBelow, systemEnv } from '@holdfast/common';
import { Arena } from '../arena.js';
import { Dict } from '../dict.js';
import { OrderedIndex } from './ordered-index.js';

const count = 1_000_000;
const memberBytes = 20;
const { random } = systemEnv();
const arena = new Arena();
const dict = new Dict(arena, 1);
const index = new OrderedIndex(dict);
const member = Buffer.from('element:'.padEnd(memberBytes, '0'));

function writeMember(n: number): void {
  for (let i = memberBytes - 1, rest = n; i >= 8; i--, rest = Math.floor(rest / 10))
    member[i] = 48 + (rest % 10);
}

function put(n: number, score: number): void {
  writeMember(n);
  const ref = dict.find(member, 0, memberBytes);
  if (ref === 0) {
    const created = dict.create(member, 0, memberBytes, 0, 0);
    dict.setStamp(created, score);
    index.insert(score, created);
  } else if (dict.stamp(ref) !== score) {
    index.move(dict.stamp(ref), score, ref);
    dict.setStamp(ref, score);
  }
}

let ranks = 0;

function rank(n: number): void {
  writeMember(n);
  const ref = dict.find(member, 0, memberBytes);
  if (ref === 0) return;
  index.locate(dict.stamp(ref), ref);
  ranks += index.rankHere;
}

function measure(what: string, operation: (i: number) => void): void {
  const began = performance.now();
  for (let i = 0; i < count; i++) operation(i);
  const ns = ((performance.now() - began) * 1e6) / count;
  console.log(`${what.padEnd(34)} ${ns.toFixed(0).padStart(6)} ns`);
}

const below = () => randomBelow(random, count);
measure('random members, score 0', () => put(below(), 0));
measure('the same again', () => put(below(), 0));
measure('random members, random scores', () => put(below(), below()));
measure('rank of a random member', () => rank(below()));
measure('ascending scores', (i) => put(i, count + i));
console.log(
  `${(arena.usedBytes / index.size).toFixed(1)} bytes an entry; ranks ${ranks > 0 ? 'seen' : 'none'}`,
);
