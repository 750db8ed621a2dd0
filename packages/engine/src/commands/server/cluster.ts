/** CLUSTER and its kin, as a server answers that is no member of a cluster. */
import { type Command, defineCommand } from '../../command.js';
import type { CommandFlag } from '../../command-declaration.js';
import { type Argument, bytes, oneOf, unparsed } from '../../grammar.js';
import { countKeysInSlot, disabled, getKeysInSlot } from './keys-in-slot.js';

interface Declaration {
  readonly id: number;
  readonly name: string;
  readonly since?: string;
  readonly complexity?: string;
  readonly summary: string;
  readonly flags: readonly CommandFlag[];
  readonly categories?: readonly string[];
  readonly tips?: readonly string[];
  readonly args?: Record<string, Argument<unknown>>;
}

function declare(declaration: Declaration): Command {
  return defineCommand({
    group: 'cluster',
    since: '3.0.0',
    complexity: 'O(1)',
    args: {},
    ...declaration,
    run: (_ctx, _args, reply) => reply.error(disabled),
  });
}

const perNode = 'O(N) where N is the total number of Cluster nodes';
const tips = ['nondeterministic_output'] as const;

const subcommands: readonly Command[] = [
  declare({
    id: 686,
    name: 'INFO',
    summary: 'Returns information about the state of a node.',
    flags: ['stale'],
    tips,
  }),
  declare({
    id: 687,
    name: 'SLOTS',
    complexity: perNode,
    summary: 'Returns the mapping of cluster slots to nodes.',
    flags: ['loading', 'stale'],
    tips,
  }),
  declare({
    id: 688,
    name: 'SHARDS',
    since: '7.0.0',
    complexity: perNode,
    summary: 'Returns the mapping of cluster slots to shards.',
    flags: ['loading', 'stale'],
    tips,
  }),
  declare({
    id: 689,
    name: 'NODES',
    complexity: perNode,
    summary: 'Returns the cluster configuration for a node.',
    flags: ['stale'],
    tips,
  }),
  declare({ id: 690, name: 'MYID', summary: 'Returns the ID of a node.', flags: ['stale'] }),
  declare({
    id: 691,
    name: 'KEYSLOT',
    complexity: 'O(N) where N is the number of bytes in the key',
    summary: 'Returns the hash slot for a key.',
    flags: ['stale'],
    args: { key: bytes() },
  }),
  declare({
    id: 696,
    name: 'MYSHARDID',
    since: '7.2.0',
    summary: 'Returns the shard ID of a node.',
    flags: ['stale'],
    tips,
  }),
  countKeysInSlot,
  getKeysInSlot,
  declare({
    id: 697,
    name: 'RESET',
    complexity:
      'O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side effect.',
    summary: 'Resets a node.',
    flags: ['admin', 'stale', 'noscript'],
    args: { reset_type: unparsed(oneOf('HARD', 'SOFT')) },
  }),
  declare({
    id: 692,
    name: 'HELP',
    since: '5.0.0',
    summary: 'Returns helpful text about the different subcommands.',
    flags: ['loading', 'stale'],
  }),
];

const cluster = defineCommand({
  id: 685,
  name: 'CLUSTER',
  group: 'cluster',
  since: '3.0.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for Redis Cluster commands.',
  flags: [],
  args: {},
  subcommands,
});

export const clusterCommands: readonly Command[] = [
  cluster,
  declare({
    id: 693,
    name: 'READONLY',
    summary: 'Enables read-only queries for a connection to a Redis Cluster replica node.',
    flags: ['fast', 'loading', 'stale'],
    categories: ['connection'],
  }),
  declare({
    id: 694,
    name: 'READWRITE',
    summary: 'Enables read-write queries for a connection to a Redis Cluster replica node.',
    flags: ['fast', 'loading', 'stale'],
    categories: ['connection'],
  }),
  declare({
    id: 695,
    name: 'ASKING',
    summary: 'Signals that a cluster client is following an -ASK redirect.',
    flags: ['fast'],
    categories: ['connection'],
  }),
];
