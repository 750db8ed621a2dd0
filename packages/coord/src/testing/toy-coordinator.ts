/**
 * A coordinator with nothing behind it, for tests of protocols: what a client sees of a reply's order, of a
 * commit, of a wait and of an end depends on nothing else.
 *
 *     ECHO x     x
 *     FILL n     n bytes
 *     WRITE      the version of a write, to be seen once `commit` has passed it
 *     WAIT       `released`, once `release` was called
 *     SOON       the same, of a command that is not one of those that wait for others
 *     LATER      `later`, once `answer` was called, while the next commands go on
 *     QUIT       OK, and the connection ends
 */
import { KvError, type Reply, type Request } from '@holdfast/common';
import { defineCommand, Session, type SessionSink } from '@holdfast/engine';
import { type Coordinator, type Fate, type Outcome, outcomes, type SessionOptions } from '../coordinator.js';

const soon = defineCommand({
  id: 1,
  name: 'SOON',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Is answered later.',
  flags: [],
  args: {},
});

export class ToyCoordinator implements Coordinator {
  committedVersion = 0;
  sessionsMax = 10_000;
  /** What those who come too many are told. */
  refusal = new KvError('LIMIT', 'max number of clients reached');
  /** Open sessions, oldest first. */
  readonly sessions: Session[] = [];
  /** Calls so far. */
  settled = 0;
  #version = 0;
  #sessionCount = 0;
  #waiting: Session[] = [];
  #owed: Session[] = [];
  #sentVersion = 0;
  readonly #listeners: (() => void)[] = [];
  readonly #revocations: (() => void)[] = [];

  open(sink: SessionSink, { protocol, address, localAddress, onRefused }: SessionOptions): Session | null {
    if (this.sessions.length >= this.sessionsMax) {
      onRefused?.(this.refusal);
      return null;
    }
    const session = new Session(++this.#sessionCount, sink, protocol, address, localAddress, 0);
    this.sessions.push(session);
    return session;
  }

  close(session: Session): void {
    const i = this.sessions.indexOf(session);
    if (i >= 0) this.sessions.splice(i, 1);
    this.#waiting = this.#waiting.filter((each) => each !== session);
    this.#owed = this.#owed.filter((each) => each !== session);
  }

  beginTurn(): void {}

  prefetch(): void {}

  coordinate(session: Session, request: Request, reply: Reply): Outcome {
    session.totalCommands++;
    switch (request.byteString(0)) {
      case 'ECHO':
        reply.bulk(request.bytes, request.start(1), request.length(1));
        return outcomes.done;
      case 'FILL':
        reply.bulk(Buffer.alloc(request.integer(1), 'x'), 0, request.integer(1));
        return outcomes.done;
      case 'WRITE':
        session.dependsOn = ++this.#version;
        reply.integer(this.#version);
        return outcomes.done;
      case 'SOON':
      case 'WAIT':
        session.isBlocked = true;
        session.lastCommand = request.is(0, 'SOON') ? soon : null;
        this.#waiting.push(session);
        return outcomes.pending;
      case 'LATER':
        session.unanswered++;
        this.#owed.push(session);
        return outcomes.later;
      case 'QUIT':
        reply.ok();
        return outcomes.close;
      default:
        reply.error('ERR unknown command');
        return outcomes.done;
    }
  }

  settle(): void {
    this.settled++;
  }

  onCommitted(listener: () => void): void {
    this.#listeners.push(listener);
  }

  onRevoked(listener: () => void): void {
    this.#revocations.push(listener);
  }

  fateOf(version: number): Fate {
    if (version <= this.committedVersion) return 'committed';
    return version <= this.#sentVersion ? 'unknown' : 'dropped';
  }

  async shutdown(): Promise<void> {}

  /** Everything up to `version` is committed from now on. */
  commit(version = this.#version): void {
    this.committedVersion = version;
    for (const listener of this.#listeners) listener();
  }

  /** Answers what is to be answered later. */
  answer(): void {
    for (const session of this.#owed.splice(0)) {
      session.sink.reply.simple('later');
      session.unanswered--;
      session.sink.wake();
    }
  }

  /** Another one leads. What was not committed is given up: up to `sent` its fate is unknown. */
  revoke(sent = this.#version): void {
    this.#sentVersion = sent;
    for (const listener of this.#revocations) listener();
    for (const session of this.sessions) session.dependsOn = 0;
    this.commit();
  }

  /** Answers those who wait. */
  release(): void {
    for (const session of this.#waiting.splice(0)) {
      session.sink.reply.simple('released');
      session.isBlocked = false;
      session.sink.wake();
      session.sink.resume();
    }
  }
}
