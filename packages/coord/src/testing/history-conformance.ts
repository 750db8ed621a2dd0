/**
 * What every History must do, as a list of named cases. An implementation's whole spec:
 *
 *     for (const { name, run } of historyConformance) it(name, async () => run(await makeHistory()));
 *
 * A history under test keeps some kilobytes, so that cases can make it drop what is old.
 */
import assert from 'node:assert/strict';
import { type ErrorCode, KvError, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { MutationWriter, mutationKinds } from '@holdfast/storage';
import type { Commit, History, ReadLimit } from '../history/history.js';

export interface HistoryUnderTest {
  readonly history: History;
  /** Others may be ahead of it: who reads beyond its end is told how far it is. */
  readonly mayBeBehind?: boolean;
  /** A batch is committed, whose last write has this version. The batch is used again after the call. */
  commit(batch: Uint8Array, version: number): Promise<void>;
  /** What was said that its bounds let go is dropped now, if that is not done anyway. */
  trim(): Promise<void>;
  /** It is kept no more. */
  end(): void;
}

export interface HistoryCase {
  readonly name: string;
  run(subject: HistoryUnderTest): Promise<void>;
}

/** Writes batches of some writes each, and remembers them. */
export class HistoryWriter {
  readonly written: Commit[] = [];
  readonly #subject: HistoryUnderTest;
  readonly #random: SeededRandom;
  readonly #batch = new MutationWriter();
  #version: number;

  constructor(subject: HistoryUnderTest, seed = 1) {
    this.#subject = subject;
    this.#random = new SeededRandom(seed);
    this.#version = subject.history.newest;
  }

  /** One batch of so many writes, of one to three records each, of `valueBytes` or about 20 bytes. */
  async commit(writes: number, valueBytes = 0): Promise<void> {
    const batch = this.#batch;
    batch.clear();
    for (let i = 0; i < writes; i++) {
      const start = batch.length;
      this.#version += 1 + randomBelow(this.#random, 3);
      const records = 1 + randomBelow(this.#random, 3);
      for (let record = 0; record < records; record++) this.#put(`key:${record}`, valueBytes);
      const mutations = Buffer.from(batch.bytes.subarray(start, batch.length));
      this.written.push({ version: this.#version, mutations });
    }
    const bytes = batch.bytes.subarray(0, batch.length);
    await this.#subject.commit(bytes, this.#version);
    bytes.fill(0xee);
  }

  /** Writes until what is there now is dropped. */
  async outrun(): Promise<void> {
    const { history } = this.#subject;
    const { newest } = history;
    for (let i = 0; history.oldest < newest; i++) {
      assert.ok(i < 10_000, 'nothing is ever dropped');
      await this.commit(2, 100);
      await this.#subject.trim();
    }
  }

  after(version: number): Commit[] {
    return this.written.filter((commit) => commit.version > version);
  }

  #put(key: string, valueBytes: number): void {
    const name = Buffer.from(key);
    const value = Buffer.alloc(
      valueBytes || 10 + randomBelow(this.#random, 20),
      randomBelow(this.#random, 256),
    );
    this.#batch.begin(mutationKinds.putString, 0, this.#version, name, 0, name.length);
    this.#batch.number(0);
    this.#batch.byte(0);
    this.#batch.field(value, 0, value.length);
  }
}

/** Everything from a version on, page by page. */
export async function readAll(history: History, after: number, limit?: ReadLimit): Promise<Commit[]> {
  const all: Commit[] = [];
  for (let at = after; ; ) {
    const { commits, version } = await history.read(at, limit);
    assert.ok(version >= at && version >= (commits.at(-1)?.version ?? 0), 'a page goes back');
    all.push(...commits);
    if (version === at) return all;
    at = version;
  }
}

export function assertSame(found: readonly Commit[], expected: readonly Commit[]): void {
  assert.deepEqual(
    found.map(({ version }) => version),
    expected.map(({ version }) => version),
  );
  found.forEach(({ mutations, version }, i) => {
    assert.ok(Buffer.from(mutations).equals(expected[i].mutations), `the records of ${version} are others`);
  });
}

async function assertRefused(reading: Promise<unknown>, code: ErrorCode, version: number): Promise<void> {
  await assert.rejects(reading, (error) => {
    assert.ok(error instanceof KvError && error.code === code, String(error));
    assert.equal(error.version, version);
    return true;
  });
}

function assertCompacted(reading: Promise<unknown>, oldest: number): Promise<void> {
  return assertRefused(reading, 'COMPACTED', oldest);
}

const reading: HistoryCase[] = [
  {
    name: 'nothing is there before anything was written',
    async run({ history }) {
      assert.equal(history.newest, history.oldest);
      assert.deepEqual(await history.read(history.oldest), { commits: [], version: history.newest });
    },
  },
  {
    name: 'commits are read in order, whole, with their versions, however they were batched',
    async run(subject) {
      const writer = new HistoryWriter(subject);
      const { oldest } = subject.history;
      for (const writes of [1, 3, 1, 7, 2]) await writer.commit(writes);
      assert.equal(subject.history.newest, writer.written.at(-1)!.version);
      assertSame(await readAll(subject.history, oldest), writer.written);
    },
  },
  {
    name: 'a reader goes on behind any version, whether a write has it or not',
    async run(subject) {
      const writer = new HistoryWriter(subject, 2);
      const { oldest } = subject.history;
      for (let i = 0; i < 12; i++) await writer.commit(1 + (i % 4));
      for (let version = oldest; version <= subject.history.newest; version++) {
        assertSame(await readAll(subject.history, version), writer.after(version));
      }
    },
  },
  {
    name: 'a page ends at its limit, has one commit at least, and the next goes on behind it',
    async run(subject) {
      const writer = new HistoryWriter(subject, 3);
      const { history } = subject;
      const { oldest } = history;
      for (const writes of [5, 1, 4]) await writer.commit(writes);
      const { commits, version } = await history.read(oldest, { commitsMax: 3, bytesMax: 1e6 });
      assertSame(commits, writer.written.slice(0, 3));
      assert.equal(version, commits[2].version);
      const bytesMax = writer.written[0].mutations.length + writer.written[1].mutations.length;
      assertSame(
        (await history.read(oldest, { commitsMax: 99, bytesMax })).commits,
        writer.written.slice(0, 2),
      );
      assertSame(await readAll(history, oldest, { commitsMax: 99, bytesMax: 1 }), writer.written);
      for (let commitsMax = 1; commitsMax < 5; commitsMax++)
        assertSame(await readAll(history, oldest, { commitsMax, bytesMax: 1e6 }), writer.written);
    },
  },
  {
    name: 'a version that is not reached yet gives nothing, or, where others may be ahead, an error that says how far it is',
    async run(subject) {
      const writer = new HistoryWriter(subject);
      await writer.commit(2);
      const { history, mayBeBehind = false } = subject;
      const { newest } = history;
      for (const after of [newest + 1, newest + 5]) {
        if (mayBeBehind) await assertRefused(history.read(after), 'UNAVAILABLE', newest);
        else assert.deepEqual(await history.read(after), { commits: [], version: after });
      }
    },
  },
];

const dropping: HistoryCase[] = [
  {
    name: 'who comes too late is told so, and what is still there is there from the oldest on',
    async run(subject) {
      const writer = new HistoryWriter(subject, 4);
      const { history } = subject;
      const begin = history.oldest;
      await writer.commit(3);
      const [first] = writer.written;
      await writer.outrun();
      assert.ok(history.oldest >= writer.written[2].version);
      await assertCompacted(history.read(begin), history.oldest);
      await assertCompacted(history.read(first.version), history.oldest);
      await assertCompacted(history.read(history.oldest - 1), history.oldest);
      assertSame(await readAll(history, history.oldest), writer.after(history.oldest));
    },
  },
  {
    name: 'what was read stays as it is, whatever is written and dropped afterwards',
    async run(subject) {
      const writer = new HistoryWriter(subject, 5);
      await writer.commit(4);
      const read = await readAll(subject.history, subject.history.oldest);
      await writer.outrun();
      assertSame(read, writer.written.slice(0, 4));
    },
  },
  {
    name: 'a slow reader misses nothing and sees nothing twice, or is told that it is too slow',
    async run(subject) {
      const { history } = subject;
      for (const seed of [11, 12, 13]) await readSlowly(subject, seed);
      assert.ok(history.newest > history.oldest);
    },
  },
];

/** Writes much faster than it reads, now and then. */
async function readSlowly(subject: HistoryUnderTest, seed: number): Promise<void> {
  const { history } = subject;
  const random = new SeededRandom(seed);
  const writer = new HistoryWriter(subject, seed);
  let at = history.newest;
  let compactions = 0;
  for (let round = 0; round < 120; round++) {
    const batches = round % 40 === 39 ? 100 : randomBelow(random, 4);
    for (let i = 0; i < batches; i++)
      await writer.commit(1 + randomBelow(random, 3), randomBelow(random, 90));
    if (round % 5 === 0) await subject.trim();
    const limit = { commitsMax: 1 + randomBelow(random, 8), bytesMax: 1 + randomBelow(random, 2000) };
    const page = await history.read(at, limit).catch((error: unknown) => {
      assert.ok(error instanceof KvError && error.code === 'COMPACTED', `seed ${seed}: ${String(error)}`);
      compactions++;
      assert.ok(error.version > at, `seed ${seed}: compacted, and is not`);
      return { commits: [], version: error.version };
    });
    const { commits, version } = page;
    if (commits.length > 0) assertSame(commits, writer.after(at).slice(0, commits.length));
    if (commits.length > 0)
      assert.ok(writer.after(commits.at(-1)!.version).every((next) => next.version > version));
    at = version;
  }
  assertSame(await readAll(history, at), writer.after(at));
  assert.ok(compactions > 0, `seed ${seed}: the reader was never too slow`);
}

const waiting: HistoryCase[] = [
  {
    name: 'who waits is woken by the next commit, and not before',
    async run(subject) {
      const writer = new HistoryWriter(subject);
      const { history } = subject;
      await writer.commit(1);
      let isWoken = false;
      const waiting = history.waitBeyond(history.newest).then(() => {
        isWoken = true;
      });
      await history.read(history.newest);
      assert.equal(isWoken, false);
      await writer.commit(1);
      await waiting;
      await history.waitBeyond(writer.written[0].version);
      assertSame(await readAll(history, writer.written[0].version), writer.written.slice(1));
    },
  },
  {
    name: 'waiting ends with its signal, and with the history',
    async run(subject) {
      const { history } = subject;
      const signal = new AbortController();
      const waiting = history.waitBeyond(history.newest, signal.signal);
      signal.abort();
      await waiting;
      await history.waitBeyond(history.newest, signal.signal);
      const others = [history.waitBeyond(history.newest), history.waitBeyond(history.newest)];
      subject.end();
      await Promise.all(others);
    },
  },
];

export const historyConformance: readonly HistoryCase[] = [...reading, ...dropping, ...waiting];
