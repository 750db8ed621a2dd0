/**
 * A client of the simulation, with the part of a gateway that matters here: it finds who leads, tries again what
 * was certainly not executed, and reads whose answer did not come; and records what it asked and was told.
 */
import { KvError, randomBelow } from '@holdfast/common';
import type { History, Json } from '@holdfast/testing';
import type { NodeLife } from '@holdfast/testing/simulation';
import type { Referee } from './referee.js';
import { type Answer, type Ask, ask } from './storage-node.js';
import { type Kind, type Operation, type StaleRead, Workload } from './workload.js';

export interface ClientOptions {
  readonly nodes: readonly string[];
  readonly shardOf: (key: string) => string;
  readonly histories: Readonly<Record<Kind, History>>;
  readonly referee: Referee;
  /** Of its reads, how many of 100 rest on the lease. */
  readonly leaseShare: number;
  /** The mean of the pauses between operations, in ms. */
  readonly pauseMs: number;
  readonly isQuiet: () => boolean;
  /** All is well again, as far as this client can see: it reads everything, and is done. */
  readonly onDone: () => void;
}

/** How long clients wait for an answer: some of them find a new leader while others still ask the old one. */
const callTimeoutMs = { least: 120, most: 500 };
/** How long it tries to have an operation executed. */
const patienceMs = 700;
/** After the faults it must succeed so often before it is done. */
const quietSuccesses = 4;

export class Client {
  readonly #life: NodeLife;
  readonly #options: ClientOptions;
  readonly #workload: Workload;
  /** By shard: who is believed to lead. */
  readonly #leaders = new Map<string, string>();
  readonly #timeoutMs: number;

  constructor(life: NodeLife, options: ClientOptions) {
    this.#life = life;
    this.#options = options;
    this.#workload = new Workload(life.name, life.env.random);
    const { least, most } = callTimeoutMs;
    this.#timeoutMs = least + randomBelow(life.env.random, most - least);
  }

  async run(): Promise<void> {
    const { isQuiet, onDone, pauseMs } = this.#options;
    for (let successes = 0; successes < quietSuccesses; ) {
      await this.#life.sleep(randomBelow(this.#life.env.random, 2 * pauseMs));
      const stale = this.#workload.staleRead();
      if (stale !== null) await this.#readStale(stale);
      const isDone = await this.#perform(this.#workload.next());
      if (isQuiet() && isDone) successes++;
    }
    for (const operation of this.#workload.reads()) while (!(await this.#perform(operation)));
    onDone();
  }

  /** Whether it was answered. */
  async #perform(operation: Operation): Promise<boolean> {
    const { histories, isQuiet, referee, shardOf } = this.#options;
    const { input, isSureWrite, key, kind, value } = operation;
    const invokedMs = referee.nowMs;
    if (value !== null) referee.begins(value);
    const invocation = histories[kind].invoke(this.#life.name, key, input);
    const answer = await this.#attempt(operation);
    switch (answer.kind) {
      case 'replies':
        invocation.ok(operation.output(answer.replies));
        if (isSureWrite)
          referee.acknowledged(
            shardOf(key),
            `${this.#life.name}'s write of ${key}`,
            invokedMs,
            answer.version,
          );
        return true;
      case 'refused':
        invocation.fail('no leader in time');
        if (value !== null) referee.refused(value);
        break;
      case 'undetermined':
        invocation.unknown();
        break;
    }
    if (isQuiet()) await this.#life.sleep(100);
    return false;
  }

  /** Asks whoever there is, once. */
  async #readStale({ command, key }: StaleRead): Promise<void> {
    const { nodes, referee, shardOf } = this.#options;
    const node = nodes[randomBelow(this.#life.env.random, nodes.length)];
    const request = {
      shard: shardOf(key),
      readMode: 'stale',
      commands: [command],
      isTransaction: false,
    } as const;
    const answer = await this.#ask(node, request);
    if (answer.kind === 'replies') referee.sees(key, answer.replies[0] as Json);
  }

  async #attempt(operation: Operation): Promise<Answer> {
    const { clock, random } = this.#life.env;
    const { leaseShare, nodes, shardOf } = this.#options;
    const readMode = randomBelow(random, 100) < leaseShare ? 'lease' : 'linearizable';
    const { commands, isRead, isTransaction, key } = operation;
    const shard = shardOf(key);
    const untilMs = clock.monotonic() + patienceMs;
    for (;;) {
      const leader = this.#leaders.get(shard) ?? nodes[randomBelow(random, nodes.length)];
      const answer = await this.#ask(leader, { shard, readMode, commands, isTransaction });
      if (answer.kind === 'replies') {
        this.#leaders.set(shard, leader);
        return answer;
      }
      const next = answer.kind === 'refused' ? answer.leader : null;
      if (next === null || next === leader) this.#leaders.delete(shard);
      else this.#leaders.set(shard, next);
      const mayTryAgain = answer.kind === 'refused' || isRead;
      if (!mayTryAgain || clock.monotonic() > untilMs) return answer;
      await this.#life.sleep(10 + randomBelow(random, 40));
    }
  }

  async #ask(node: string, request: Ask): Promise<Answer> {
    try {
      return await this.#life.network.call(node, ask, request, { timeoutMs: this.#timeoutMs });
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      if (error.code === 'UNAVAILABLE') return { kind: 'refused', leader: null };
      return { kind: 'undetermined' };
    }
  }
}
