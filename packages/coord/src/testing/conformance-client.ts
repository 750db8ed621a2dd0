/**
 * A client of any coordinator, as strict as a protocol may be: it uses the bytes of a request again at once, and
 * counts a reply only once the version it depends on is committed.
 */
import assert from 'node:assert/strict';
import { Request, ValueReply } from '@holdfast/common';
import type { Session, SessionSink } from '@holdfast/engine';
import { type Outcome, outcomes } from '../coordinator.js';
import type { CoordinatorUnderTest } from './coordinator-conformance.js';
import { type Plain, plainOf } from './local-server.js';

/** Turns of a millisecond that something may take. */
const turnsMax = 2000;

/** Lets time pass until something is so. */
export async function until(pass: (ms: number) => Promise<void>, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < turnsMax && !isSo(); turn++) await pass(1);
  assert.ok(isSo(), 'it does not come');
}

export class ConformanceClient implements SessionSink {
  readonly reply = new ValueReply(2);
  readonly takesLater = true;
  readonly outputBytes = 0;
  readonly inputBytes = 0;
  readonly session: Session;
  woken = 0;
  resumed = 0;
  isClosed = false;
  readonly #under: CoordinatorUnderTest;
  readonly #request = new Request();
  /** For each reply that was noticed, the version it depends on: in the order of the replies. */
  readonly #gates: number[] = [];

  /** Throws when the coordinator takes no more sessions. */
  constructor(under: CoordinatorUnderTest) {
    this.#under = under;
    const options = { protocol: 'redis', address: '127.0.0.1:1', localAddress: '127.0.0.1:2' };
    const session = under.coordinator.open(this, options);
    if (session === null) throw new Error('no session');
    this.session = session;
  }

  /** Null when the coordinator takes no more sessions. */
  static open(under: CoordinatorUnderTest): ConformanceClient | null {
    try {
      return new ConformanceClient(under);
    } catch {
      return null;
    }
  }

  /** Sends a request in a turn of its own. */
  send(...args: string[]): Outcome {
    const { coordinator } = this.#under;
    coordinator.beginTurn();
    const outcome = this.sendInTurn(...args);
    coordinator.settle();
    this.#notice();
    return outcome;
  }

  /** Sends a request within a turn that others share. */
  sendInTurn(...args: string[]): Outcome {
    const request = this.#request.assign(args);
    const outcome = this.#under.coordinator.coordinate(this.session, request, this.reply);
    request.bytes.fill(0x5a);
    request.count = 0;
    const isAnswered = outcome === outcomes.done || outcome === outcomes.close;
    if (isAnswered) assert.ok(this.reply.count > 0, `no reply to ${args[0]}`);
    this.#notice();
    return outcome;
  }

  /** Sends a request and waits for its reply, which must be the next one. */
  run(...args: string[]): Promise<Plain> {
    this.send(...args);
    return this.next();
  }

  /** As `run`, with the words of a line. */
  line(line: string): Promise<Plain> {
    return this.run(...line.split(' '));
  }

  /** The next reply, or message, that may be seen. */
  async next(): Promise<Plain> {
    await until(this.#under.pass, () => this.#mayBeSeen);
    this.#gates.shift();
    return plainOf(this.reply.take()!);
  }

  async take(count: number): Promise<Plain[]> {
    const replies: Plain[] = [];
    while (replies.length < count) replies.push(await this.next());
    return replies;
  }

  /** Replies that are there, seen or not. */
  get unread(): number {
    return this.reply.count;
  }

  /** How many of the replies that are there may be seen. */
  get acknowledgedReplies(): number {
    this.#notice();
    const { committedVersion } = this.#under.coordinator;
    const hidden = this.#gates.findIndex((version) => version > committedVersion);
    return hidden < 0 ? this.#gates.length : hidden;
  }

  // SessionSink

  wake(): void {
    this.woken++;
    this.#notice();
  }

  resume(): void {
    this.resumed++;
    this.#notice();
  }

  close(): void {
    this.isClosed = true;
  }

  /** A reply depends on what the session depends on when it is written. */
  #notice(): void {
    while (this.#gates.length < this.reply.count) this.#gates.push(this.session.dependsOn);
  }

  get #mayBeSeen(): boolean {
    this.#notice();
    return this.#gates.length > 0 && this.#gates[0] <= this.#under.coordinator.committedVersion;
  }
}
