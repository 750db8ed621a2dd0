/** What SUBSCRIBE, UNSUBSCRIBE and their kin share: one confirmation for each name. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import type { Repeated } from '../../grammar.js';
import type { SubscriptionKind } from '../../host.js';
import type { Session } from '../../session.js';

const words: Readonly<Record<SubscriptionKind, string>> = {
  channel: 'subscribe',
  pattern: 'psubscribe',
  shard: 'ssubscribe',
};

function countOf(session: Session, kind: SubscriptionKind): number {
  return kind === 'shard' ? session.shardChannels.size : session.subscriptionCount;
}

function confirm(
  reply: Reply,
  session: Session,
  word: string,
  kind: SubscriptionKind,
  name: string | null,
): void {
  reply.push(3);
  reply.text(word);
  if (name === null) reply.null();
  else reply.byteString(name);
  reply.integer(countOf(session, kind));
}

/** Subscribes to each name, and confirms each. */
export function subscribeTo(ctx: Context, kind: SubscriptionKind, names: Repeated, reply: Reply): void {
  const { host, request, session } = ctx;
  const audible = session.audible(reply);
  for (let i = 0; i < names.count; i++) {
    const name = request.byteString(names.first + i);
    host.subscribe(session, kind, name);
    confirm(audible, session, words[kind], kind, name);
  }
}

/** Ends the named subscriptions, or all of a kind when none is named; confirms each. */
export function unsubscribeFrom(ctx: Context, kind: SubscriptionKind, names: Repeated, reply: Reply): void {
  const { host, request, session } = ctx;
  const audible = session.audible(reply);
  const word = words[kind].replace('sub', 'unsub');
  const ended =
    names.count === 0
      ? [...subscriptionsOf(session, kind)]
      : Array.from({ length: names.count }, (_, i) => request.byteString(names.first + i));
  if (ended.length === 0) confirm(audible, session, word, kind, null);
  for (const name of ended) {
    host.unsubscribe(session, kind, name);
    confirm(audible, session, word, kind, name);
  }
}

function subscriptionsOf(session: Session, kind: SubscriptionKind): ReadonlySet<string> {
  if (kind === 'channel') return session.channels;
  return kind === 'pattern' ? session.patterns : session.shardChannels;
}
