/** CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO: invalidation messages for clients that keep values. */
import { type Reply, textOfByteString } from '@holdfast/common';
import type { TrackingOptions } from '../../client-tracking.js';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, notAnInteger, type Repeated, rest, syntaxError } from '../../grammar.js';

const common = { group: 'connection', complexity: 'O(1)', flags: ['noscript', 'loading', 'stale'] } as const;

type Draft = { -readonly [K in keyof TrackingOptions]: TrackingOptions[K] } & { prefixes: string[] };

/** The options of CLIENT TRACKING; or what is wrong with them. */
function readOptions({ host, request }: Context, { count, first }: Repeated): Draft | string {
  const options: Draft = {
    isBroadcast: false,
    prefixes: [],
    isOptIn: false,
    isOptOut: false,
    noLoop: false,
    redirect: 0,
  };
  const end = first + count;
  for (let i = first + 1; i < end; i++) {
    const hasNext = i + 1 < end;
    if (request.is(i, 'REDIRECT') && hasNext) {
      if (options.redirect !== 0) return 'ERR A client can only redirect to a single other client';
      const id = request.integer(++i);
      if (Number.isNaN(id)) return notAnInteger;
      if (host.sessionById(id) === undefined) {
        return 'ERR The client ID you want redirect to does not exist';
      }
      options.redirect = id;
    } else if (request.is(i, 'PREFIX') && hasNext) options.prefixes.push(request.byteString(++i));
    else if (request.is(i, 'BCAST')) options.isBroadcast = true;
    else if (request.is(i, 'OPTIN')) options.isOptIn = true;
    else if (request.is(i, 'OPTOUT')) options.isOptOut = true;
    else if (request.is(i, 'NOLOOP')) options.noLoop = true;
    else return syntaxError;
  }
  return options;
}

/** Why these options can't be had, by themselves or with what the client has; null when they can. */
function problemOf({ session: { tracking } }: Context, options: Draft): string | null {
  const { isBroadcast, isOptIn, isOptOut, prefixes } = options;
  if (!isBroadcast && prefixes.length > 0) return 'ERR PREFIX option requires BCAST mode to be enabled';
  if (tracking !== null && tracking.isBroadcast !== isBroadcast) {
    return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.";
  }
  if (isBroadcast && (isOptIn || isOptOut)) return 'ERR OPTIN and OPTOUT are not compatible with BCAST';
  if (isOptIn && isOptOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if (tracking !== null && ((isOptIn && tracking.isOptOut) || (isOptOut && tracking.isOptIn))) {
    return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.";
  }
  return isBroadcast ? collisionOf(tracking?.prefixes ?? [], prefixes) : null;
}

const overlap = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);

/** Prefixes of a client must not overlap, or it would be told twice. */
function collisionOf(known: readonly string[], added: readonly string[]): string | null {
  for (const [i, prefix] of added.entries()) {
    const old = known.find((each) => overlap(each, prefix));
    if (old !== undefined) {
      return `ERR Prefix '${prefix}' overlaps with an existing prefix '${old}'. Prefixes for a single client must not overlap.`;
    }
    const other = added.slice(i + 1).find((each) => overlap(each, prefix));
    if (other !== undefined) {
      return `ERR Prefix '${prefix}' overlaps with another provided prefix '${other}'. Prefixes for a single client must not overlap.`;
    }
  }
  return null;
}

function setTracking(ctx: Context, words: Repeated, reply: Reply): void {
  const { host, request, session } = ctx;
  const options = readOptions(ctx, words);
  if (typeof options === 'string') return reply.error(options);
  if (request.is(words.first, 'ON')) {
    const problem = problemOf(ctx, options);
    if (problem !== null) return reply.error(textOfByteString(problem));
    host.track(session, options);
  } else if (request.is(words.first, 'OFF')) {
    host.untrack(session);
  } else {
    return reply.error(syntaxError);
  }
  reply.ok();
}

function setCaching({ request, session: { tracking } }: Context, mode: number, reply: Reply): void {
  if (tracking === null) {
    return reply.error(
      'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
    );
  }
  if (request.is(mode, 'YES')) {
    if (!tracking.isOptIn) {
      return reply.error('ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.');
    }
  } else if (request.is(mode, 'NO')) {
    if (!tracking.isOptOut) {
      return reply.error('ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.');
    }
  } else {
    return reply.error(syntaxError);
  }
  tracking.isCachingGiven = true;
  reply.ok();
}

function flagsOf({ session: { tracking } }: Context): string[] {
  if (tracking === null) return ['off'];
  const flags = ['on'];
  if (tracking.isBroadcast) flags.push('bcast');
  if (tracking.isOptIn) flags.push('optin');
  if (tracking.isOptIn && tracking.isCachingGiven) flags.push('caching-yes');
  if (tracking.isOptOut) flags.push('optout');
  if (tracking.isOptOut && tracking.isCachingGiven) flags.push('caching-no');
  if (tracking.noLoop) flags.push('noloop');
  if (tracking.isRedirectBroken) flags.push('broken_redirect');
  return flags;
}

function replyTrackingInfo(ctx: Context, reply: Reply): void {
  const { tracking } = ctx.session;
  const flags = flagsOf(ctx);
  reply.map(3);
  reply.text('flags');
  reply.set(flags.length);
  for (const flag of flags) reply.text(flag);
  reply.text('redirect');
  reply.integer(tracking?.redirect ?? -1);
  reply.text('prefixes');
  const prefixes = [...(tracking?.prefixes ?? [])].sort();
  reply.array(prefixes.length);
  for (const prefix of prefixes) reply.byteString(prefix);
}

export const trackingCommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 24,
    name: 'GETREDIR',
    since: '6.0.0',
    summary: 'Returns the client ID to which the tracking notifications are redirected.',
    args: {},
    run: ({ session }, _args, reply) => reply.integer(session.tracking?.redirect ?? -1),
  }),
  defineCommand({
    ...common,
    id: 26,
    name: 'TRACKING',
    since: '6.0.0',
    complexity: 'O(1). Some options may introduce additional complexity.',
    summary: 'Controls server-assisted client-side caching for the connection.',
    args: { words: rest(1) },
    run: (ctx, { words }, reply) => setTracking(ctx, words, reply),
  }),
  defineCommand({
    ...common,
    id: 27,
    name: 'TRACKINGINFO',
    since: '6.2.0',
    summary: 'Returns information about server-assisted client-side caching for the connection.',
    args: {},
    run: (ctx, _args, reply) => replyTrackingInfo(ctx, reply),
  }),
  defineCommand({
    ...common,
    id: 28,
    name: 'CACHING',
    since: '6.0.0',
    summary: 'Instructs the server whether to track the keys in the next request.',
    args: { mode: bytes() },
    run: (ctx, { mode }, reply) => setCaching(ctx, mode, reply),
  }),
];
