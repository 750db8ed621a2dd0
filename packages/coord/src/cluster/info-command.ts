/**
 * INFO of a gateway: what is about clients and this process is its own; figures of the data are those of the shards,
 * added up.
 */
import { ErrorReply, type Reply, type ReplyValue, Request } from '@holdfast/common';
import { type Command, human, percent } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { gather } from './gathered-commands.js';
import type { Handlers } from './plans.js';
import type { RoutedSession } from './routed-session.js';

/** Fields of which the shards' sum is told. */
const summed = new Set(
  `total_blocking_keys total_blocking_keys_on_nokey watching_clients total_watched_keys
   used_memory used_memory_peak used_memory_overhead used_memory_dataset
   used_memory_lua used_memory_vm_eval used_memory_scripts_eval used_memory_vm_functions used_memory_vm_total
   used_memory_functions used_memory_scripts expired_keys expired_fields evicted_keys
   keyspace_hits keyspace_misses total_error_replies`.split(/\s+/),
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
    return gather(coordinator, session, command, Request.of('INFO', ...asked), reply, (values, target) => {
      target.verbatim('txt', merge(text, values));
    });
  }
}

/** `own` with the figures of those shards that answered. */
function merge(own: string, values: readonly ReplyValue[]): string {
  const theirs = new Figures();
  for (const value of values) if (!(value instanceof ErrorReply)) theirs.add(String(value));
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
    return typeof bytes === 'number' ? human(bytes) : (this.#ofAny.get(field) ?? null);
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
