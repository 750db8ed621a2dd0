/** Coordinators that are wrong in one way each. The conformance suite must fail every one of them. */
import { type Reply, Request, ValueReply } from '@holdfast/common';
import type { Session, SessionSink } from '@holdfast/engine';
import { type Coordinator, type Fate, type Outcome, outcomes, type SessionOptions } from '../coordinator.js';
import type { CoordinatorStore } from './coordinator-conformance.js';
import { simulatedCoordinators } from './simulated-coordinators.js';

/** A correct coordinator; each that is not differs in one thing. */
class Delegate implements Coordinator {
  protected readonly inner: Coordinator;

  constructor(inner: Coordinator) {
    this.inner = inner;
  }

  open(sink: SessionSink, options: SessionOptions): Session | null {
    return this.inner.open(sink, options);
  }

  close(session: Session): void {
    this.inner.close(session);
  }

  beginTurn(): void {
    this.inner.beginTurn();
  }

  prefetch(session: Session, requests: readonly Request[], count: number): void {
    this.inner.prefetch(session, requests, count);
  }

  coordinate(session: Session, request: Request, reply: Reply): Outcome {
    return this.inner.coordinate(session, request, reply);
  }

  settle(): void {
    this.inner.settle();
  }

  get committedVersion(): number {
    return this.inner.committedVersion;
  }

  onCommitted(listener: () => void): void {
    this.inner.onCommitted(listener);
  }

  onRevoked(listener: () => void): void {
    this.inner.onRevoked(listener);
  }

  fateOf(version: number): Fate {
    return this.inner.fateOf(version);
  }

  shutdown(): Promise<void> {
    return this.inner.shutdown();
  }
}

const words = (request: Request): string[] =>
  Array.from({ length: request.count }, (_, i) => request.byteString(i));

type Spoil = (inner: Coordinator) => Coordinator;

/** A coordinator that treats a request in its own way, or undefined to leave it to the right one. */
function treating(
  treat: (
    inner: Coordinator,
    session: Session,
    args: string[],
    reply: Reply,
    request: Request,
  ) => Outcome | undefined,
): Spoil {
  return (inner) =>
    new (class extends Delegate {
      override coordinate(session: Session, request: Request, reply: Reply): Outcome {
        return (
          treat(inner, session, words(request), reply, request) ?? inner.coordinate(session, request, reply)
        );
      }
    })(inner);
}

/** Runs a request whose reply nobody gets. */
function runSilently(inner: Coordinator, session: Session, request: Request): ValueReply {
  const reply = new ValueReply(2);
  inner.coordinate(session, request, reply);
  return reply;
}

/** Another way to the same client. */
function sinkLike(sink: SessionSink, changes: Partial<SessionSink>): SessionSink {
  return {
    reply: sink.reply,
    outputBytes: 0,
    inputBytes: 0,
    wake: () => sink.wake(),
    resume: () => sink.resume(),
    close: (flush) => sink.close(flush),
    ...changes,
  };
}

/** What is wrong, which case of the suite notices it, and how it comes about. */
const spoils: Record<string, readonly [caughtBy: string, spoil: Spoil]> = {
  'answers twice': [
    'every request gets one reply',
    treating((inner, session, [name], reply, request) => {
      if (name !== 'PING') return undefined;
      reply.simple('PONG');
      return inner.coordinate(session, request, reply);
    }),
  ],
  'says nothing to what it does not know': [
    'what is wrong with a request is its reply, and the session goes on',
    treating((_inner, _session, [name]) => (name === 'NOSUCHCOMMAND' ? outcomes.done : undefined)),
  ],
  'answers two requests in the other order': [
    'replies come in the order of the requests',
    (inner) => {
      let held: number | null = null;
      return treating((_inner, session, [name], reply, request) => {
        if (name !== 'INCR') return undefined;
        const value = runSilently(inner, session, request).take() as number;
        if (held === null) {
          held = value;
          return outcomes.later;
        }
        reply.integer(value);
        reply.integer(held);
        held = null;
        return outcomes.done;
      })(inner);
    },
  ],
  'keeps a request instead of a copy': [
    'the bytes of a request are the sender’s again after the call',
    (inner) => {
      let kept: (() => void) | null = null;
      return treating((_inner, session, [name], reply, request) => {
        kept?.();
        kept = null;
        if (name !== 'BLPOP') return undefined;
        kept = () => inner.coordinate(session, request, reply);
        return outcomes.pending;
      })(inner);
    },
  ],
  'has one database for all sessions': [
    'each session has a state of its own',
    (inner) => {
      let database = 0;
      return treating((_inner, session, [name, index]) => {
        session.database = database;
        if (name === 'SELECT') database = Number(index);
        return undefined;
      })(inner);
    },
  ],
  'gives every write the same version': [
    'a write has a version above those before, and its reply depends on it',
    (inner) =>
      new (class extends Delegate {
        override coordinate(session: Session, request: Request, reply: Reply): Outcome {
          const outcome = inner.coordinate(session, request, reply);
          session.dependsOn = Math.min(session.dependsOn, 1);
          return outcome;
        }
      })(inner),
  ],
  'shows what is not committed without saying so': [
    'a reply depends on the write that it shows, whoever wrote',
    (inner) =>
      new (class extends Delegate {
        override coordinate(session: Session, request: Request, reply: Reply): Outcome {
          const before = session.dependsOn;
          const isRead = /^(GET|EXISTS|LLEN|DBSIZE)$/.test(request.byteString(0));
          const outcome = inner.coordinate(session, request, reply);
          if (isRead) session.dependsOn = before;
          return outcome;
        }
      })(inner),
  ],
  'acknowledges what is not committed': [
    'what was acknowledged survives a power cut',
    (inner) =>
      new (class extends Delegate {
        override get committedVersion(): number {
          return Number.POSITIVE_INFINITY;
        }
      })(inner),
  ],
  'never commits': [
    'what was written is committed soon, and stays so',
    (inner) => {
      const { committedVersion } = inner;
      return new (class extends Delegate {
        override get committedVersion(): number {
          return committedVersion;
        }
      })(inner);
    },
  ],
  'takes commits back': [
    'what was written is committed soon, and stays so',
    (inner) => {
      let asked = 0;
      return new (class extends Delegate {
        override get committedVersion(): number {
          return inner.committedVersion - (asked++ % 2) * 1e9;
        }
      })(inner);
    },
  ],
  'tells nobody of commits': [
    'who listens is told of commits that come later',
    (inner) =>
      new (class extends Delegate {
        override onCommitted(): void {}
      })(inner),
  ],
  'does not wait': [
    'a request that waits is answered through its sink, once',
    treating((_inner, _session, [name], reply) => {
      if (name !== 'BLPOP') return undefined;
      reply.nullArray();
      return outcomes.done;
    }),
  ],
  'answers who waits without a word': [
    'a request that waits is answered through its sink, once',
    (inner) =>
      new (class extends Delegate {
        override open(sink: SessionSink, options: SessionOptions): Session | null {
          return inner.open(sinkLike(sink, { wake: () => {} }), options);
        }
      })(inner),
  ],
  'resumes twice': [
    'a request that waits is answered through its sink, once',
    (inner) =>
      new (class extends Delegate {
        override open(sink: SessionSink, options: SessionOptions): Session | null {
          const resume = (): void => {
            sink.resume();
            sink.resume();
          };
          return inner.open(sinkLike(sink, { resume }), options);
        }
      })(inner),
  ],
  'serves the youngest first': [
    'who waits longest is served first',
    (inner) => {
      const waiting: { session: Session; request: Request }[] = [];
      return treating((_inner, session, [name], reply, request) => {
        if (name === 'BLPOP') {
          waiting.push({ session, request: request.toOwned() });
          session.isBlocked = true;
          return outcomes.pending;
        }
        if (name !== 'RPUSH') return undefined;
        const outcome = inner.coordinate(session, request, reply);
        const youngest = waiting.pop();
        if (youngest === undefined) return outcome;
        const { sink } = youngest.session;
        youngest.session.isBlocked = false;
        inner.coordinate(youngest.session, youngest.request, sink.reply);
        sink.wake();
        sink.resume();
        return outcome;
      })(inner);
    },
  ],
  'waits for ever': [
    'a wait ends with its time, and not before',
    treating((inner, session, args, reply) => {
      if (args[0] !== 'BLPOP') return undefined;
      return inner.coordinate(session, Request.of('BLPOP', args[1], '0'), reply);
    }),
  ],
  'gives up early': [
    'a wait ends with its time, and not before',
    treating((inner, session, args, reply) => {
      if (args[0] !== 'BLPOP' || args[2] === '0') return undefined;
      return inner.coordinate(session, Request.of('BLPOP', args[1], '0.05'), reply);
    }),
  ],
  'serves those who have gone': [
    'a session that has gone waits no more',
    (inner) =>
      new (class extends Delegate {
        override close(session: Session): void {
          if (!session.isBlocked) inner.close(session);
        }
      })(inner),
  ],
  'can not close what is closed': [
    'a session can be closed twice',
    (inner) => {
      const closed = new Set<Session>();
      return new (class extends Delegate {
        override close(session: Session): void {
          if (closed.has(session)) throw new Error('it is closed');
          closed.add(session);
          inner.close(session);
        }
      })(inner);
    },
  ],
  'lets those who have gone listen': [
    'a session can be closed twice',
    (inner) =>
      new (class extends Delegate {
        override close(session: Session): void {
          if (!session.isSubscriber) inner.close(session);
        }
      })(inner),
  ],
  'runs a transaction bit by bit': [
    'a transaction runs as one, at one version',
    (inner) => {
      const replies = new Map<Session, ValueReply>();
      return treating((_inner, session, [name], reply, request) => {
        const done = replies.get(session);
        if (name === 'MULTI') replies.set(session, new ValueReply(2));
        if (name === 'MULTI') reply.ok();
        else if (done === undefined) return undefined;
        else if (name === 'DISCARD') {
          replies.delete(session);
          reply.ok();
        } else if (name === 'EXEC') {
          replies.delete(session);
          reply.array(done.count);
          for (let n = done.count; n > 0; n--) {
            const value = done.take();
            if (typeof value === 'number') reply.integer(value);
            else reply.ok();
          }
        } else {
          inner.coordinate(session, request, done);
          reply.simple('QUEUED');
        }
        return outcomes.done;
      })(inner);
    },
  ],
  'runs what it can of a transaction': [
    'a transaction that can not be is not begun',
    treating((_inner, session, [name]) => {
      if (name === 'EXEC' && session.transaction !== null) session.transaction.failed = false;
      return undefined;
    }),
  ],
  'does not look after what is watched': [
    'a watched key that changed refuses the transaction, whoever changed it',
    treating((_inner, _session, [name], reply) => {
      if (name !== 'WATCH') return undefined;
      reply.ok();
      return outcomes.done;
    }),
  ],
  'never lets go of what is watched': [
    'a watched key that changed refuses the transaction, whoever changed it',
    (inner) => {
      const broken = new Set<Session>();
      return treating((_inner, session, [name], reply) => {
        if (session.watchBroken) broken.add(session);
        if (name !== 'EXEC' || !broken.has(session) || session.watchBroken) return undefined;
        reply.nullArray();
        return outcomes.done;
      })(inner);
    },
  ],
  'speaks on to those who do not listen any more': [
    'messages go to those who listen, as long as they do',
    treating((_inner, _session, [name, channel], reply) => {
      if (name !== 'UNSUBSCRIBE') return undefined;
      reply.push(3);
      reply.text('unsubscribe');
      reply.text(channel);
      reply.integer(0);
      return outcomes.done;
    }),
  ],
  'takes every session': [
    'no more sessions are opened than may be',
    treating((_inner, _session, [name, , parameter], reply) => {
      if (name !== 'CONFIG' || parameter !== 'maxclients') return undefined;
      reply.ok();
      return outcomes.done;
    }),
  ],
  'does not say that a session ends': [
    'an end that a client asks for comes with its reply',
    treating((inner, session, [name], reply, request) => {
      if (name !== 'QUIT') return undefined;
      inner.coordinate(session, request, reply);
      return outcomes.done;
    }),
  ],
  'runs what is only hinted at': [
    'a hint of what comes next changes nothing',
    (inner) =>
      new (class extends Delegate {
        override prefetch(session: Session, requests: readonly Request[], count: number): void {
          for (const request of requests.slice(0, Math.min(count, 1))) runSilently(inner, session, request);
        }
      })(inner),
  ],
  'ends before everything is committed': [
    'an orderly end waits for what was written',
    (inner) =>
      new (class extends Delegate {
        override async shutdown(): Promise<void> {}
      })(inner),
  ],
};

export interface BrokenCoordinator {
  readonly name: string;
  /** The case that must fail. */
  readonly caughtBy: string;
  /** A fresh place. */
  makeStore(): CoordinatorStore;
}

export const brokenCoordinators: readonly BrokenCoordinator[] = [
  ...Object.entries(spoils).map(([name, [caughtBy, spoil]]) => ({
    name,
    caughtBy,
    makeStore: () => simulatedCoordinators('file', spoil),
  })),
  {
    name: 'forgets everything with each end',
    caughtBy: 'what was acknowledged is there after an orderly end',
    makeStore: () => ({ ...simulatedCoordinators('none'), isDurable: true }),
  },
  {
    name: 'keeps half of what is one',
    caughtBy: 'a transaction is there as a whole, or not at all, after a power cut',
    makeStore: halfKept,
  },
];

/** What is one write is committed bit by bit: a power cut may come in between. */
function halfKept(): CoordinatorStore {
  return simulatedCoordinators('file', (inner) =>
    treating((_inner, session, [name, ...pairs], reply) => {
      if (name !== 'MSET') return undefined;
      for (let i = 0; i < pairs.length; i += 2) {
        runSilently(inner, session, Request.of('SET', pairs[i], pairs[i + 1]));
        inner.settle();
      }
      reply.ok();
      return outcomes.done;
    })(inner),
  );
}
