/**
 * INFO of a gateway: what is about clients and this process is its own; figures of the data are those of the shards,
 * added up.
 */
import { ErrorReply, type Reply, type ReplyValue, Request, ValueReply } from '@holdfast/common';
import type { Command } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { gather } from './gathered-commands.js';
import type { Handlers } from './plans.js';
import type { RoutedSession } from './routed-session.js';

/** Fields of which the shards' sum is told. */
const summed = new Set(
  `used_memory used_memory_peak used_memory_overhead used_memory_dataset expired_keys expired_fields evicted_keys
   keyspace_hits keyspace_misses total_error_replies`.split(/\s+/),
);
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
    const own = new ValueReply(3);
    coordinator.runHere(session, request, own);
    const text = String(own.take() ?? '');
    const asked = Request.of('INFO', 'memory', 'stats', 'keyspace');
    return gather(coordinator, session, command, asked, reply, (values, target) => {
      target.verbatim('txt', merge(text, values));
    });
  }
}

/** `own` with the figures of those shards that answered. */
function merge(own: string, values: readonly ReplyValue[]): string {
  const sums = new Map<string, number>();
  const keyspace = new Map<string, Map<string, number>>();
  for (const value of values) {
    if (value instanceof ErrorReply) continue;
    for (const [field, text] of fieldsOf(String(value))) {
      if (summed.has(field)) sums.set(field, (sums.get(field) ?? 0) + Number(text));
      else if (keyspacePattern.test(field)) addTo(keyspace, field, text);
    }
  }
  const lines = own.split('\r\n').flatMap((line) => {
    const field = line.slice(0, line.indexOf(':'));
    if (line === '# Keyspace') return [line, ...[...keyspace].sort().map(keyspaceLine)];
    if (keyspacePattern.test(field)) return [];
    return [sums.has(field) ? `${field}:${sums.get(field)}` : line];
  });
  return lines.join('\r\n');
}

function fieldsOf(text: string): [string, string][] {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);
}

/** Adds `keys=1,expires=0,avg_ttl=0` up. */
function addTo(keyspace: Map<string, Map<string, number>>, database: string, text: string): void {
  const counts = keyspace.get(database) ?? new Map<string, number>();
  keyspace.set(database, counts);
  for (const pair of text.split(',')) {
    const [name, count] = pair.split('=');
    counts.set(name, (counts.get(name) ?? 0) + Number(count));
  }
}

function keyspaceLine([database, counts]: [string, Map<string, number>]): string {
  return `${database}:${[...counts].map(([name, count]) => `${name}=${count}`).join(',')}`;
}
