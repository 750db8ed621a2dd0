/** A client of a whole stack, or of a replica, as a protocol is, without a socket: one request a turn. */
import { Request, ValueReply } from '@holdfast/common';
import type { Session, SessionSink } from '@holdfast/engine';
import type { LocalCoordinator } from '../local-coordinator.js';
import { type Plain, plainOf } from './local-server.js';

/** A disk that others keep busy takes seconds. */
const patienceMs = 10_000;

export class StackClient implements SessionSink {
  readonly reply = new ValueReply(2);
  readonly outputBytes = 0;
  readonly inputBytes = 0;
  readonly session: Session;
  readonly #coordinator: LocalCoordinator;

  constructor({ coordinator }: { readonly coordinator: LocalCoordinator }) {
    this.#coordinator = coordinator;
    this.session = coordinator.open(this, { protocol: 'redis', address: 'a:1', localAddress: 'b:2' })!;
  }

  /** The reply to a line, if it comes at once, and the version that must be committed before it counts. */
  run(line: string): { reply: Plain | undefined; dependsOn: number } {
    const coordinator = this.#coordinator;
    coordinator.beginTurn();
    coordinator.coordinate(this.session, Request.of(...line.split(' ')), this.reply);
    coordinator.settle();
    return { reply: this.take(), dependsOn: this.session.dependsOn };
  }

  /** The reply, whenever it comes. */
  async line(line: string): Promise<Plain> {
    let { reply } = this.run(line);
    const untilMs = Date.now() + patienceMs;
    while (reply === undefined && Date.now() < untilMs) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      reply = this.take();
    }
    if (reply === undefined) throw new Error(`no reply to ${line}`);
    return reply;
  }

  /** A reply that came later; undefined while there is none. */
  take(): Plain | undefined {
    const value = this.reply.take();
    return value === undefined ? undefined : plainOf(value);
  }

  wake(): void {}
  resume(): void {}
  close(): void {}
}
