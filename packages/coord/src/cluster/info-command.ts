/**
 * INFO of a gateway: what is about clients and this process is its own; figures of the data are those of the shards,
 * added up.
 */
import { ErrorReply, type Reply, type ReplyValue, Request } from '@holdfast/common';
import { type Command, human, percent } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { Gathering } from './gathering.js';
import { nodesOf } from './node-answers.js';
import type { Handlers } from './plans.js';
import type { RoutedSession } from './routed-session.js';

/** Fields of which the shards' sum is told. */
const summed = new Set(
  `total_blocking_keys total_blocking_keys_on_nokey watching_clients total_watched_keys
   used_memory used_memory_peak used_memory_overhead used_memory_dataset
   used_memory_lua used_memory_vm_eval used_memory_scripts_eval used_memory_vm_functions used_memory_vm_total
   used_memory_functions used_memory_scripts expired_keys expired_fields evicted_keys
   keyspace_hits keyspace_misses tracking_total_keys tracking_total_items total_error_replies rdb_changes_since_last_save`.split(
    /\s+/,
  ),
);
/** Each shard has the same: scripts, functions, limits. */
const ofAny = new Set(
  `number_of_cached_scripts number_of_functions number_of_libraries maxmemory maxmemory_human
   maxmemory_policy`.split(/\s+/),
);
/** Shares of one sum in another. */
const shares: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['used_memory_peak_perc', ['used_memory', 'used_memory_peak']],
  ['used_memory_dataset_perc', ['used_memory_dataset', 'used_memory']],
]);
/** Of nodes, each of which saves all that it has, the one that is told of: what is worst. */
const worst: ReadonlyMap<string, (a: string, b: string) => string> = new Map([
  ['rdb_bgsave_in_progress', greater],
  ['aof_rewrite_in_progress', greater],
  ['rdb_last_save_time', (a, b) => (Number(a) < Number(b) ? a : b)],
  ['rdb_last_bgsave_status', (a, b) => (a === 'ok' ? b : a)],
]);
const savedField = 'rdb_last_save_time';
const ofSaves = Request.of('INFO', 'persistence');
const humanEnding = '_human';
const commandPrefix = 'cmdstat_';
const keyspacePattern = /^db\d+$/;

export class InfoCommand {
  readonly handlers: Handlers = {
    info: (session, command, request, reply) => this.#info(session, command, request, reply),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  #info(session: RoutedSession, command: Command, request: Request, reply: Reply): Outcome {
    const coordinator = this.#coordinator;
    if (coordinator.routing.isEmpty) return coordinator.own(session, request, reply);
    const text = String(coordinator.saidHere(session, request) ?? '');
    const asked = ['clients', 'memory', 'stats', 'keyspace'];
    if (text.includes(commandPrefix)) asked.push('commandstats');
    const tellsOfSaves = text.includes(savedField);
    if (tellsOfSaves) asked.push('persistence');
    const { forwarder, routing } = coordinator;
    const answer = coordinator.answerLater(session);
    const shards = [...routing.shards()];
    const gathering = Gathering.ofValues((values) => {
      const saves = values.slice(shards.length);
      answer.held.verbatim('txt', merge(text, values.slice(0, shards.length), saves));
      session.replies.ready(answer);
    }, session.replies.counting(answer));
    const ofShards = Request.of('INFO', ...asked);
    for (const route of shards)
      forwarder.ask(session, session.lane(route), command, ofShards, gathering.add());
    for (const route of tellsOfSaves ? nodesOf(coordinator) : [])
      forwarder.ask(session, session.staleLane(route), command, ofSaves, gathering.add());
    gathering.sent();
    return forwarder.outcome(session, false);
  }
}

/** `own` with the figures of those shards that answered, and of those nodes what they say of saves. */
function merge(own: string, values: readonly ReplyValue[], saves: readonly ReplyValue[]): string {
  const theirs = new Figures();
  for (const value of values) if (!(value instanceof ErrorReply)) theirs.add(String(value));
  for (const value of saves) if (!(value instanceof ErrorReply)) theirs.addSaves(String(value));
  const lines = own.split('\r\n').flatMap((line) => {
    if (line === '# Keyspace') return [line, ...theirs.keyspaceLines()];
    const colon = line.indexOf(':');
    const field = line.slice(0, colon);
    if (keyspacePattern.test(field)) return [];
    const text = theirs.of(field, line.slice(colon + 1));
    return [text === null ? line : `${field}:${text}`];
  });
  return lines.join('\r\n');
}

/** What the shards say, put together. */
class Figures {
  readonly #sums = new Map<string, number>();
  readonly #ofAny = new Map<string, string>();
  readonly #worst = new Map<string, string>();
  /** By database, and by command: of each of its figures the sum. */
  readonly #keyspace = new Map<string, Map<string, number>>();
  readonly #commands = new Map<string, Map<string, number>>();

  add(info: string): void {
    for (const [field, text] of fieldsOf(info)) {
      if (summed.has(field)) this.#sums.set(field, (this.#sums.get(field) ?? 0) + Number(text));
      else if (ofAny.has(field)) this.#ofAny.set(field, text);
      else if (keyspacePattern.test(field)) addTo(this.#keyspace, field, text);
      else if (field.startsWith(commandPrefix)) addTo(this.#commands, field, text);
    }
  }

  addSaves(info: string): void {
    for (const [field, text] of fieldsOf(info)) {
      const known = this.#worst.get(field);
      const choose = worst.get(field);
      if (choose !== undefined) this.#worst.set(field, known === undefined ? text : choose(known, text));
    }
  }

  keyspaceLines(): string[] {
    return [...this.#keyspace].sort().map(keyspaceLine);
  }

  /** Of a field of which the gateway says `own`; null when it knows best. */
  of(field: string, own: string): string | null {
    const sum = this.#sums.get(field);
    if (sum !== undefined) return String(sum);
    if (field.startsWith(commandPrefix)) return this.#timed(field, own);
    const share = shares.get(field)?.map((each) => this.#sums.get(each) ?? 0);
    if (share !== undefined) return percent(share[0], share[1]);
    const bytes = field.endsWith(humanEnding) && this.#sums.get(field.slice(0, -humanEnding.length));
    return typeof bytes === 'number'
      ? human(bytes)
      : (this.#ofAny.get(field) ?? this.#worst.get(field) ?? null);
  }

  /** Of a command that shards run the gateway knows the calls: each took what one takes there. */
  #timed(field: string, own: string): string | null {
    const there = this.#commands.get(field);
    const calls = /^calls=(\d+),usec=0,usec_per_call=0.00,/.exec(own);
    if (there === undefined || calls === null) return null;
    const mean = there.get('usec')! / Math.max(1, there.get('calls')!);
    const usec = Math.round(mean * Number(calls[1]));
    return own.replace(/usec=0,usec_per_call=0.00/, `usec=${usec},usec_per_call=${mean.toFixed(2)}`);
  }
}

function greater(a: string, b: string): string {
  return Number(a) > Number(b) ? a : b;
}

function fieldsOf(text: string): [string, string][] {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);
}

/** Adds figures like `keys=1,expires=0,avg_ttl=0` up. */
function addTo(sums: Map<string, Map<string, number>>, field: string, text: string): void {
  const counts = sums.get(field) ?? new Map<string, number>();
  sums.set(field, counts);
  for (const pair of text.split(',')) {
    const [name, count] = pair.split('=');
    counts.set(name, (counts.get(name) ?? 0) + Number(count));
  }
}

function keyspaceLine([database, counts]: [string, Map<string, number>]): string {
  return `${database}:${[...counts].map(([name, count]) => `${name}=${count}`).join(',')}`;
}
