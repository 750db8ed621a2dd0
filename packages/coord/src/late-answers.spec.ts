import { KvError, Request, ValueReply } from '@holdfast/common';
import type { KV, Session, SessionSink } from '@holdfast/engine';
import { expect, it } from 'vitest';
import type { ClientRegistry } from './client-registry.js';
import { type Outcome, outcomes } from './coordinator.js';
import { DiscardReply } from './discard-reply.js';
import { LateAnswers } from './late-answers.js';
import type { PubSubHub } from './pubsub-hub.js';
import { LocalServer } from './testing/local-server.js';

/** Late answers of sessions whose commands come to what is said. */
function lateAnswers() {
  const server = new LocalServer();
  const events: string[] = [];
  const open = new Set<Session>();
  const names = new Map<Session, string>();
  const state = { outcome: outcomes.done as Outcome, version: 0, commits: false };
  const late = new LateAnswers({
    kv: { beginTurn: () => events.push('turn'), stats: server.kv.stats } as unknown as KV,
    clients: { has: (session: Session) => open.has(session) } as ClientRegistry,
    hub: { endSpeech: () => {} } as PubSubHub,
    forwarding: null,
    discard: new DiscardReply(),
    reject: () => outcomes.done,
    dispatch: (session) => {
      events.push(`run ${names.get(session)} ${session.arrival}`);
      return state.outcome;
    },
    serve: () => events.push('serve'),
    settle: () => {
      events.push('settle');
      if (state.commits) state.version++;
    },
    committedVersion: () => state.version,
    tellCommitted: () => events.push('committed'),
  });
  const client = (name: string) => {
    const reply = new ValueReply(2);
    const { session } = server.client();
    const sink: Partial<SessionSink> = {
      reply,
      wake: () => {},
      resume: () => events.push(`${name} goes on`),
      close: () => events.push(`${name} is closed`),
    };
    Object.assign(session, { sink });
    session.isBlocked = true;
    open.add(session);
    names.set(session, name);
    return { reply, held: { session, request: Request.of('GET', 'k'), arrival: 7 }, session };
  };
  return { client, events, late, open, state };
}

it('runs what was held back in one turn, in order, and lets who is answered go on', () => {
  const { client, events, late } = lateAnswers();
  const [a, b] = [client('a'), client('b')];
  late.resume([a.held, b.held]);
  expect(events).toEqual(['turn', 'run a 7', 'a goes on', 'run b 7', 'b goes on', 'settle']);
  expect([a.session.isBlocked, a.session.arrival]).toEqual([false, 0]);
});

it('passes over sessions that are gone, and waits on with those that have to', () => {
  const { client, events, late, open, state } = lateAnswers();
  const [a, b] = [client('a'), client('b')];
  open.delete(a.session);
  state.outcome = outcomes.pending;
  late.resume([a.held, b.held]);
  expect(events).toEqual(['turn', 'run b 7', 'settle']);
});

it('closes a session whose command asks for it, behind the answer', () => {
  const { client, events, late, state } = lateAnswers();
  state.outcome = outcomes.close;
  late.resume([client('a').held]);
  expect(events).toEqual(['turn', 'run a 7', 'a goes on', 'a is closed', 'settle']);
});

it('tells of what its own turn committed at once, as nobody else does', () => {
  const { events, late, state } = lateAnswers();
  late.inTurn(() => events.push('body'));
  state.commits = true;
  late.endTurn();
  expect(events).toEqual(['turn', 'body', 'settle', 'serve', 'settle', 'committed']);
});

it('says whether it is worth trying again what could not be waited for', () => {
  const { client, late } = lateAnswers();
  const [a, b] = [client('a'), client('b')];
  late.fail(a.held, new KvError('UNAVAILABLE', 'no version is at hand'));
  late.fail(b.held, new KvError('CORRUPT', 'it is damaged'));
  expect(a.reply.take()).toMatchObject({
    message: 'TRYAGAIN the command was not executed: no version is at hand',
  });
  expect(b.reply.take()).toMatchObject({ message: 'ERR the key could not be loaded: it is damaged' });
});

it('gives no answer to a client that wants none, and counts what it skips', () => {
  const { client, late } = lateAnswers();
  const { session } = client('a');
  session.replyMode = 'skip';
  expect(late.replyOf(session)).toBeInstanceOf(DiscardReply);
  late.release(session);
  expect(session.replyMode).toBe('on');
});
