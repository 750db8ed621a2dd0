/**
 * LATENCY before a cluster: commands take their time where they are run, so what the shards recorded is put together with
 * what the gateway did itself.
 */
import { ErrorReply, MapReply, type Reply, type ReplyValue } from '@holdfast/common';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { gather } from './gathered-commands.js';
import { firstError } from './gathering.js';
import type { Handler, Handlers } from './plans.js';
import { writeValue } from './write-value.js';

/** Puts together what the gateway and the shards say. */
type Merge = (said: readonly ReplyValue[], reply: Reply) => void;

/** Event, second and duration of its last spike, the longest one. */
type Latest = readonly [Buffer, number, number, number];
type Sample = readonly [number, number];

/** As many as Redis keeps of an event. */
const samplesMax = 160;

export class LatencyCommands {
  readonly handlers: Handlers = {
    'latency|latest': this.#merged((said, reply) => writeValue(reply, latest(said as unknown as Latest[][]))),
    'latency|history': this.#merged((said, reply) => {
      const samples = (said as unknown as Sample[][]).flat().sort((a, b) => a[0] - b[0]);
      writeValue(reply, samples.slice(-samplesMax) as unknown as ReplyValue);
    }),
    // Events have the same names everywhere.
    'latency|reset': this.#merged((said, reply) => reply.integer(Math.max(...said.map(Number)))),
    'latency|histogram': this.#merged((said, reply) => writeValue(reply, histograms(said as MapReply[]))),
    'latency|graph': this.#graph(),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  #merged(merge: Merge): Handler {
    return this.#withShards((said, reply) => {
      const error = firstError(said);
      if (error !== null) reply.error(error.message);
      else merge(said, reply);
    });
  }

  /** Of whoever has seen the event. */
  #graph(): Handler {
    return this.#withShards((said, reply) => {
      const graph = said.find((each) => !(each instanceof ErrorReply)) ?? said[0];
      if (graph instanceof ErrorReply) reply.error(graph.message);
      else reply.verbatim('txt', String(graph));
    });
  }

  #withShards(merge: Merge): Handler {
    return (session, command, request, reply) => {
      const coordinator = this.#coordinator;
      if (coordinator.routing.isEmpty) return coordinator.own(session, request, reply);
      const own = coordinator.saidHere(session, request);
      return gather(coordinator, session, command, request, reply, (values, target) =>
        merge([own, ...values], target),
      );
    };
  }
}

function latest(said: readonly (readonly Latest[])[]): ReplyValue[] {
  const events = new Map<string, Latest>();
  for (const event of said.flat()) {
    const name = event[0].toString('latin1');
    const known = events.get(name) ?? event;
    const [, seconds, ms] = event[1] > known[1] ? event : known;
    events.set(name, [event[0], seconds, ms, Math.max(event[3], known[3])]);
  }
  return [...events.values()] as unknown as ReplyValue[];
}

/** By command: its calls, and how many of them took up to so many microseconds. */
function histograms(said: readonly MapReply[]): MapReply {
  const byCommand = new Map<string, MapReply[]>();
  for (const [name, histogram] of said.flatMap(({ entries }) => entries)) {
    const of = byCommand.get(String(name)) ?? [];
    byCommand.set(String(name), of);
    of.push(histogram as MapReply);
  }
  return mapOf([...byCommand].map(([name, of]) => [Buffer.from(name), of.length === 1 ? of[0] : sumOf(of)]));
}

function sumOf(histograms: readonly MapReply[]): MapReply {
  const calls = histograms.reduce((sum, { entries }) => sum + Number(entries[0][1]), 0);
  const cumulative = histograms.map(
    ({ entries }) => (entries[1][1] as MapReply).entries as [number, number][],
  );
  const bounds = [...new Set(cumulative.flatMap((pairs) => pairs.map(([usec]) => usec)))].sort(
    (a, b) => a - b,
  );
  const upTo = (pairs: readonly [number, number][], bound: number): number =>
    pairs.findLast(([usec]) => usec <= bound)?.[1] ?? 0;
  const sums = bounds.map((bound): [number, number] => [
    bound,
    cumulative.reduce((sum, pairs) => sum + upTo(pairs, bound), 0),
  ]);
  return mapOf([
    [Buffer.from('calls'), calls],
    [Buffer.from('histogram_usec'), mapOf(sums)],
  ]);
}

function mapOf(entries: readonly [ReplyValue, ReplyValue][]): MapReply {
  const map = new MapReply();
  map.entries.push(...entries);
  return map;
}
