/**
 * Clients that keep what they read until they are told, while others write, leaders change and streams break: once all is quiet
 * nobody keeps what is not so. The seed is in the name of the test.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { type PipeClient, TestCluster } from '../testing/test-cluster.js';

const keys = ['a', 'b', 'c', '{a}2', '{b}2', '{c}2'];
const shards = 3;
const rounds = 12;
const stepsARound = 60;

/** A request that is not answered: what it reads, what it writes. */
interface Asked {
  readonly reads: readonly string[];
  readonly writes: string | null;
}

/** Takes what arrives in its order, as a client does. */
class Keeper {
  readonly kept = new Map<string, string>();
  readonly client: PipeClient;
  readonly #optsIn: boolean;
  #asked: Asked[] = [];
  #told = 0;

  constructor(client: PipeClient, options: string) {
    this.client = client;
    this.#optsIn = options === 'OPTIN';
    this.#send(`CLIENT TRACKING ON ${options}`.trim(), []);
  }

  /** How often it was told of something. */
  get told(): number {
    return this.#told;
  }

  read(names: readonly string[]): void {
    if (this.#optsIn) this.#send('CLIENT CACHING YES', []);
    if (names.length === 1) this.#send(`GET ${names[0]}`, names);
    else this.#send(`MGET ${names.join(' ')}`, names);
  }

  /** What it writes itself it is not told of with NOLOOP: it forgets that by itself, when it is answered. */
  write(name: string, value: string): void {
    this.#send(`SET ${name} ${value}`, [], name);
  }

  hear(): void {
    for (const line of this.client.take()) {
      if (line.startsWith('>')) this.#forget(line);
      else this.#answered(this.#asked.shift()!, line);
    }
  }

  get isAnswered(): boolean {
    return this.#asked.length === 0;
  }

  #send(line: string, reads: readonly string[], writes: string | null = null): void {
    this.#asked.push({ reads, writes });
    this.client.send(line);
  }

  #forget(line: string): void {
    this.#told++;
    if (line.includes('_null')) this.kept.clear();
    for (const name of keys) if (line.includes(`$"${name}"`)) this.kept.delete(name);
  }

  #answered({ reads, writes }: Asked, line: string): void {
    if (writes !== null) this.kept.delete(writes);
    if (line.startsWith('-')) return;
    const values = reads.length === 1 ? [line] : line.slice(2, -1).split(', ');
    for (const [i, name] of reads.entries()) this.kept.set(name, values[i]);
  }
}

class Trial {
  readonly #random: Random;
  readonly #cluster = new TestCluster({ shards, nodes: 3 });
  readonly #keepers: Keeper[];
  readonly #writers: PipeClient[];
  #value = 0;

  constructor(seed: number, options: string) {
    this.#random = new SeededRandom(seed);
    const cluster = this.#cluster;
    this.#keepers = [new Keeper(cluster.client(3), options), new Keeper(cluster.client(3), options)];
    this.#writers = [cluster.client(), cluster.clientOf(cluster.gateway())];
  }

  run(): void {
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < stepsARound; i++) this.#step();
      this.#quieten();
      this.#check();
    }
    for (const { told } of this.#keepers) expect(told).toBeGreaterThan(rounds);
  }

  #below(n: number): number {
    return randomBelow(this.#random, n);
  }

  #some(): string {
    return keys[this.#below(keys.length)];
  }

  #step(): void {
    const cluster = this.#cluster;
    const shard = cluster.shards[this.#below(shards)];
    const what = this.#below(100);
    const keeper = this.#keepers[this.#below(2)];
    const writer = this.#writers[this.#below(2)];
    if (what < 30) keeper.read([this.#some()]);
    else if (what < 40) keeper.read([...new Set([this.#some(), this.#some(), this.#some()])]);
    else if (what < 65) writer.send(`SET ${this.#some()} v${this.#value++}`);
    else if (what < 70) keeper.write(this.#some(), `v${this.#value++}`);
    else if (what < 73) writer.send(`DEL ${this.#some()}`);
    else if (what < 74) writer.send('FLUSHALL');
    else if (what < 78) shard.leader?.holdCommits();
    else if (what < 84) shard.leader?.commit();
    else if (what < 88) shard.lead(`n${this.#below(3)}`, this.#below(2) === 0 ? 'dropped' : 'unknown');
    else if (what < 90) shard.stepDown();
    else if (what < 92) cluster.nodes[this.#below(3)].cut();
    if (this.#below(3) > 0) cluster.env.advance([0, 1, 20, 300][this.#below(4)]);
    for (const each of this.#keepers) each.hear();
  }

  /** Everything is committed, led, answered and told. */
  #quieten(): void {
    const cluster = this.#cluster;
    for (const shard of cluster.shards) {
      if (shard.leader === undefined) shard.lead(`n${this.#below(3)}`);
      shard.leader!.commitAtOnce();
    }
    cluster.env.advance(8000);
    for (const keeper of this.#keepers) {
      keeper.hear();
      expect(keeper.isAnswered).toBe(true);
    }
    for (const writer of this.#writers) writer.take();
  }

  #check(): void {
    const client = this.#cluster.client(3);
    const values = client.run(...keys.map((name) => `GET ${name}`));
    client.close();
    for (const { kept } of this.#keepers)
      for (const [name, value] of kept) expect([name, value]).toEqual([name, values[keys.indexOf(name)]]);
  }
}

describe.each(['', 'OPTIN', 'BCAST', 'NOLOOP', 'BCAST NOLOOP'])(
  'values kept with CLIENT TRACKING ON %s',
  (options) => {
    it.each([1, 2, 3, 4])('are so, or are told to be outdated, with seed %i', (seed) => {
      new Trial(seed, options).run();
    });
  },
);
