/**
 * MEMORY before a cluster: keys and values take their memory at the shards, clients theirs at the gateway. STATS adds that up;
 * what it says of a process and its allocators is about the gateway's own.
 */
import { DoubleReply, MapReply, type Reply, type ReplyValue } from '@holdfast/common';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { gather } from './gathered-commands.js';
import { firstError } from './gathering.js';
import type { Handler, Handlers } from './plans.js';
import { writeValue } from './write-value.js';

const summed: ReadonlySet<string> = new Set([
  ...['peak.allocated', 'total.allocated', 'aof.buffer', 'lua.caches', 'functions.caches'],
  ...['overhead.total', 'keys.count', 'dataset.bytes'],
]);

export class MemoryCommands {
  readonly handlers: Handlers = {
    'memory|stats': this.#withShards(([own, ...ofShards], reply) =>
      writeValue(reply, sumOf(own as MapReply, ofShards as MapReply[])),
    ),
    'memory|purge': this.#withShards(([own], reply) => writeValue(reply, own)),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  /** What the gateway says, then the shards. */
  #withShards(finish: (said: readonly ReplyValue[], reply: Reply) => void): Handler {
    return (session, command, request, reply) => {
      const coordinator = this.#coordinator;
      if (coordinator.routing.isEmpty) return coordinator.own(session, request, reply);
      const own = coordinator.saidHere(session, request);
      return gather(coordinator, session, command, request, reply, (values, target) => {
        const error = firstError(values);
        if (error !== null) target.error(error.message);
        else finish([own, ...values], target);
      });
    };
  }
}

function sumOf(own: MapReply, ofShards: readonly MapReply[]): MapReply {
  const figures = new Map(own.entries.map(([name, value]) => [String(name), value]));
  for (const { entries } of ofShards) {
    for (const [name, value] of entries) {
      const field = String(name);
      if (summed.has(field)) figures.set(field, Number(figures.get(field)) + Number(value));
    }
  }
  const of = (name: string): number => Number(figures.get(name));
  const [used, keys] = [of('total.allocated'), of('keys.count')];
  figures.set('keys.bytes-per-key', keys === 0 ? 0 : Math.round(used / keys));
  figures.set('dataset.percentage', new DoubleReply((of('dataset.bytes') / used) * 100));
  figures.set('peak.percentage', new DoubleReply((used / of('peak.allocated')) * 100));
  const reply = new MapReply();
  for (const [name, value] of figures) reply.entries.push([Buffer.from(name), value]);
  return reply;
}
