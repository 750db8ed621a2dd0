/**
 * CLUSTER and its kin at a storage node, as clients of Redis Cluster ask them. A node of theirs is a master or a replica,
 * and some take it for what it is called first: so one that leads a shard is told of as the master of its slots, and not as a
 * replica of those that it follows.
 */
import { createHash } from 'node:crypto';
import { hashSlotCount, hashSlotOf, type Reply, type Request } from '@holdfast/common';
import type { UpstreamStatus } from '@holdfast/engine';
import { outcomes } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import type { ClusterMeta } from './cluster-meta.js';
import type { Handler, Handlers } from './plans.js';
import type { ShardRoute } from './shard-route.js';

/** A node, as clients are told of it. */
interface Member {
  readonly node: string;
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly isUp: boolean;
}

type Range = readonly [number, number];

const help = [
  'CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'FAILOVER and what else changes a cluster is up to its operator: see kvctl.',
  'COUNTKEYSINSLOT <slot>',
  '    Return the number of keys in <slot>, of those that the node leads.',
  'GETKEYSINSLOT <slot> <count>',
  '    Return key names stored by the node in a slot, of those that it leads.',
  'INFO',
  '    Return information about the cluster.',
  'KEYSLOT <key>',
  '    Return the hash slot for <key>.',
  'MYID',
  '    Return the node id.',
  'MYSHARDID',
  "    Return the node's shard id.",
  'NODES',
  '    Return cluster configuration seen by node. Output format:',
  '    <id> <ip:port@bus-port> <flags> <master> <pings> <pongs> <epoch> <link> <slot> ...',
  'SHARDS',
  '    Return information about slot range mappings and the nodes associated with them.',
  'SLOTS',
  '    Return information about slots range mappings. Each range is made of:',
  '    start, end, master and replicas IP addresses, ports and ids',
  'HELP',
  '    Print this help.',
];

export class ClusterCommands {
  readonly handlers: Handlers = {
    'cluster|slots': this.#answer((reply) => this.#slots(reply)),
    'cluster|shards': this.#answer((reply) => this.#shards(reply)),
    'cluster|nodes': this.#answer((reply) => reply.verbatim('txt', this.#nodes())),
    'cluster|info': this.#answer((reply) => reply.verbatim('txt', this.#info())),
    'cluster|myid': this.#answer((reply) => reply.text(idOf('node', this.#home))),
    'cluster|myshardid': this.#answer((reply) => reply.text(idOf('shard', this.#homeShard()))),
    'cluster|keyslot': this.#answer((reply, request) => {
      reply.integer(hashSlotOf(request.bytes, request.start(2), request.length(2)));
    }),
    'cluster|countkeysinslot': this.#ofSlot((reply) => reply.integer(0)),
    'cluster|getkeysinslot': this.#ofSlot((reply) => reply.array(0)),
    'cluster|help': this.#answer((reply) => {
      reply.array(help.length);
      for (const line of help) reply.simple(line);
    }),
    asking: this.#answer((reply) => reply.ok()),
  };
  readonly #coordinator: ClusterCoordinator;
  readonly #meta: ClusterMeta;
  readonly #home: string;

  /** `home`: the node that answers. */
  constructor(coordinator: ClusterCoordinator, home: string) {
    this.#coordinator = coordinator;
    this.#meta = coordinator.router.meta;
    this.#home = home;
  }

  /** Whom this node follows, as ROLE, INFO and HELLO tell of it: null while it is a master of something. */
  get followed(): UpstreamStatus | null {
    const routes = this.#routes();
    const route = routes.find(({ nodes }) => nodes.includes(this.#home));
    if (route === undefined || routes.some((each) => this.#masterOf(each) === this.#home)) return null;
    const { host, isUp, port } = this.#memberOf(this.#masterOf(route));
    const nothing = { offset: 0, loadedBytes: 0, loadingBytes: 0, problem: '' };
    const lastHeardMs = this.#coordinator.kv.context.nowMs;
    return { ...nothing, host, port, lastHeardMs, state: isUp ? 'connected' : 'connect' };
  }

  #answer(write: (reply: Reply, request: Request) => void): Handler {
    return (session, _command, request, reply) =>
      this.#coordinator.answer(session, reply, (target) => write(target, request)) ?? outcomes.done;
  }

  /** The shard of the slot answers, if it is led here; otherwise there is nothing of it here. Any says what is wrong. */
  #ofSlot(writeNothing: (reply: Reply) => void): Handler {
    return (session, command, request, reply) => {
      const { router, routing } = this.#coordinator;
      const slot = request.integer(2);
      const isRight = slot >= 0 && slot < hashSlotCount && !(request.count > 3 && !(request.integer(3) >= 0));
      const route = isRight ? router.slots[slot] : ([...routing.shards()][0] ?? router.first);
      if (route !== null && (!isRight || routing.isLedHere(route))) {
        return this.#coordinator.forwardTo(session, route, command, request, reply);
      }
      return this.#coordinator.answer(session, reply, writeNothing);
    };
  }

  #slots(reply: Reply): void {
    const ranges = this.#routes().flatMap((route) =>
      slotsOf(this.#meta, route).map((range) => ({ range, members: this.#membersOf(route) })),
    );
    ranges.sort((a, b) => a.range[0] - b.range[0]);
    reply.array(ranges.length);
    for (const { members, range } of ranges) {
      reply.array(2 + members.length);
      reply.integer(range[0]);
      reply.integer(range[1]);
      for (const { host, id, port } of members) {
        reply.array(4);
        reply.text(host);
        reply.integer(port);
        reply.text(id);
        reply.array(0);
      }
    }
  }

  #shards(reply: Reply): void {
    const routes = this.#routes();
    reply.array(routes.length);
    for (const route of routes) {
      const slots = slotsOf(this.#meta, route).flat();
      const members = this.#membersOf(route);
      reply.map(2);
      reply.text('slots');
      reply.array(slots.length);
      for (const slot of slots) reply.integer(slot);
      reply.text('nodes');
      reply.array(members.length);
      for (const [i, member] of members.entries()) describe(reply, member, i === 0);
    }
  }

  /** One line a node: of which slots it is a master, or whose replica it is. */
  #nodes(): string {
    const lines = [...this.#meta.nodes.keys()].sort().map((node) => {
      const { host, id, isUp, port } = this.#memberOf(node);
      const led = this.#routes().filter((route) => this.#masterOf(route) === node);
      const followed = this.#routes().find((route) => route.nodes.includes(node));
      const slots = led.flatMap((route) => slotsOf(this.#meta, route)).map(rangeText);
      const isMaster = led.length > 0 || followed === undefined;
      const flags = [node === this.#home && 'myself', isMaster ? 'master' : 'slave', !isUp && 'fail?'];
      const master = isMaster ? '-' : idOf('node', this.#masterOf(followed));
      const epoch = Math.max(0, ...led.map((route) => route.epoch));
      const link = isUp ? 'connected' : 'disconnected';
      const words = [id, `${host}:${port}@${port + 10_000}`, flags.filter(Boolean).join(','), master];
      return `${[...words, 0, 0, epoch, link, ...slots].join(' ')}\n`;
    });
    return lines.join('');
  }

  #info(): string {
    const { map, nodes } = this.#meta;
    const routes = this.#routes();
    const count = (of: readonly ShardRoute[]): number =>
      of.flatMap((route) => slotsOf(this.#meta, route)).reduce((sum, [from, to]) => sum + to - from + 1, 0);
    const assigned = count(routes);
    const led = count(routes.filter(({ channel }) => channel !== null));
    const own = routes.filter(({ leader }) => leader === this.#home).map(({ epoch }) => epoch);
    const fields: readonly [string, string | number][] = [
      ['cluster_state', led === hashSlotCount ? 'ok' : 'fail'],
      ['cluster_slots_assigned', assigned],
      ['cluster_slots_ok', led],
      ['cluster_slots_pfail', 0],
      ['cluster_slots_fail', assigned - led],
      ['cluster_known_nodes', nodes.size],
      ['cluster_size', new Set(routes.map((route) => this.#masterOf(route))).size],
      ['cluster_current_epoch', map.epoch],
      ['cluster_my_epoch', Math.max(0, ...own)],
      ['cluster_stats_messages_sent', 0],
      ['cluster_stats_messages_received', 0],
      ['total_cluster_links_buffer_limit_exceeded', 0],
    ];
    return fields.map(([name, value]) => `${name}:${value}\r\n`).join('');
  }

  #routes(): ShardRoute[] {
    return [...this.#coordinator.router.routes];
  }

  /** Who leads, or did as far as is known. */
  #masterOf(route: ShardRoute): string {
    return route.leader ?? route.nodes[0];
  }

  /** The master first. */
  #membersOf(route: ShardRoute): Member[] {
    const master = this.#masterOf(route);
    const masters = new Set(this.#routes().map((each) => this.#masterOf(each)));
    const others = route.nodes.filter((node) => !masters.has(node) && this.#meta.nodes.has(node));
    return [master, ...others].map((node) => this.#memberOf(node));
  }

  #memberOf(node: string): Member {
    const address = this.#coordinator.router.redisAddressOf(node);
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, '');
    const channel = this.#coordinator.router.channelOf(node);
    const port = colon < 0 ? 0 : Number(address.slice(colon + 1));
    return { node, id: idOf('node', node), host, port, isUp: channel?.isUp ?? false };
  }

  /** A shard that this node leads, or follows. */
  #homeShard(): string {
    const routes = this.#routes();
    const led = routes.find(({ leader }) => leader === this.#home);
    return (led ?? routes.find(({ nodes }) => nodes.includes(this.#home)))?.name ?? '';
  }
}

function describe(reply: Reply, { host, id, isUp, port }: Member, isMaster: boolean): void {
  const fields: readonly [string, string | number][] = [
    ['id', id],
    ['port', port],
    ['ip', host],
    ['endpoint', host],
    ['role', isMaster ? 'master' : 'replica'],
    ['replication-offset', 0],
    ['health', isUp ? 'online' : 'fail'],
  ];
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.text(name);
    if (typeof value === 'number') reply.integer(value);
    else reply.text(value);
  }
}

function slotsOf(meta: ClusterMeta, route: ShardRoute): readonly Range[] {
  return meta.map.shards.find(({ shard }) => shard === route.name)?.slots ?? [];
}

function rangeText([first, last]: Range): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** 40 hex digits, as Redis names nodes and shards; the same at every node. */
function idOf(kind: string, name: string): string {
  return createHash('sha1').update(`${kind} ${name}`).digest('hex');
}
