/**
 * What a service of timestamps must do for several clients, also while its leader dies, stands still or gets
 * another clock:
 *
 *     for (const { name, run } of oracleServiceConformance) it(name, async () => run(await startService()));
 */
import assert from 'node:assert/strict';
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { Oracle } from '../oracle.js';

/** A running service of several instances, of which one leads. */
export interface OracleService {
  /** How long a failover takes at most, in ms: how long a pause must be so that another instance leads after it. */
  readonly failoverMs: number;
  sleep(ms: number): Promise<void>;
  /** A client of its own. */
  connect(): Promise<Oracle>;
  /** The leader is gone at once. Resolves when an instance runs in its place. */
  kill(): Promise<void>;
  /** The leader ends in order, and an instance runs in its place. */
  handOver(): Promise<void>;
  /** The leader stands still for `ms`, and then goes on where it was. Resolves at once. */
  pause(ms: number): Promise<void>;
  /** The wall clock of the leader jumps. */
  jumpClock(ms: number): Promise<void>;
}

export interface OracleServiceCase {
  readonly name: string;
  run(service: OracleService): Promise<void>;
}

const clientCount = 4;

/** One range that a client was given; `begin` and `end` count the events of the process that asks. */
interface Given {
  readonly begin: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
}

/** What all clients were given, and whether that respects the order in which they asked. */
class Record {
  readonly given: Given[] = [];
  #events = 0;

  async fetch(oracle: Oracle, count: number): Promise<void> {
    const begin = this.#events++;
    const first = await oracle.fetch(count);
    this.given.push({ begin, end: this.#events++, first, last: first + count - 1 });
  }

  check(): void {
    const byValue = this.given.toSorted((a, b) => a.first - b.first);
    for (let i = 1; i < byValue.length; i++) {
      assert.ok(byValue[i].first > byValue[i - 1].last, `${byValue[i].first} was given twice`);
    }
    const byEnd = this.given.toSorted((a, b) => a.end - b.end);
    let greatest = 0;
    let ended = 0;
    for (const { begin, first } of this.given.toSorted((a, b) => a.begin - b.begin)) {
      for (; byEnd[ended].end < begin; ended++) greatest = Math.max(greatest, byEnd[ended].last);
      assert.ok(first > greatest, `${first} was asked for after ${greatest} had been given`);
    }
  }
}

/** Lets clients ask without a pause while `disturb` goes on, and checks what they were given. */
async function askDuring(service: OracleService, disturb: () => Promise<void>): Promise<void> {
  const record = new Record();
  let isOver = false;
  const ask = async (random: Random): Promise<void> => {
    const oracle = await service.connect();
    while (!isOver) {
      await record
        .fetch(oracle, 1 + randomBelow(random, randomBelow(random, 10) === 0 ? 10_000 : 10))
        .catch(isNormal);
      await service.sleep(randomBelow(random, 5));
    }
    await oracle.close();
  };
  const asking = Array.from({ length: clientCount }, (_, i) => ask(new SeededRandom(i + 1)));
  const somethingIsGiven = async (when: string): Promise<void> => {
    const count = record.given.length;
    for (let ms = 0; record.given.length <= count; ms += 10) {
      assert.ok(ms < service.failoverMs * 4, `nothing was given ${when}`);
      await service.sleep(10);
    }
  };
  try {
    await somethingIsGiven('before');
    await disturb();
    await somethingIsGiven('afterwards');
  } finally {
    isOver = true;
    await Promise.all(asking);
  }
  record.check();
}

/** A client may give up while nobody leads. */
function isNormal(error: { code?: unknown }): void {
  if (error.code !== 'UNAVAILABLE') throw error;
}

export const oracleServiceConformance: readonly OracleServiceCase[] = [
  {
    name: 'what one client asks for after another was answered is greater',
    run: (service) => askDuring(service, () => service.sleep(200)),
  },
  {
    name: 'nothing repeats or goes back when the leader is killed, again and again',
    run: (service) =>
      askDuring(service, async () => {
        for (let i = 0; i < 3; i++) {
          await service.kill();
          await service.sleep(service.failoverMs);
        }
      }),
  },
  {
    name: 'an orderly end hands over at once',
    run: (service) =>
      askDuring(service, async () => {
        for (let i = 0; i < 3; i++) {
          await service.handOver();
          await service.sleep(service.failoverMs / 4);
        }
      }),
  },
  {
    name: 'a leader that stood still for long gives nothing that is old',
    run: (service) =>
      askDuring(service, async () => {
        for (let i = 0; i < 3; i++) {
          await service.pause(service.failoverMs * 1.5);
          await service.sleep(service.failoverMs * 2);
        }
      }),
  },
  {
    name: 'a leader that stood still for a moment goes on, or another one does',
    run: (service) =>
      askDuring(service, async () => {
        for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
          await service.pause(service.failoverMs * share);
          await service.sleep(service.failoverMs);
        }
      }),
  },
  {
    name: 'a clock that jumps does not matter',
    run: (service) =>
      askDuring(service, async () => {
        for (const ms of [3_600_000, -7_200_000, 5000, -5000]) {
          await service.jumpClock(ms);
          await service.sleep(service.failoverMs / 2);
        }
        await service.kill();
        await service.sleep(service.failoverMs);
      }),
  },
];
