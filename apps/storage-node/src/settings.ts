/**
 * The settings of a storage node. `--help` lists them. Besides its own it takes the parameters of CONFIG GET that mean
 * something at a node, by the same names.
 */
import { KvError } from '@holdfast/common';
import { nodeParameters } from '@holdfast/coord';
import { Config, parameters, parseMemory } from '@holdfast/engine';
import {
  commonRules,
  type EtcdSettings,
  etcdRules,
  etcdSettingsOf,
  type PeerTlsFiles,
  type ProcessSettings,
  parameterSettings,
  parametersOf,
  peerTlsOf,
  peerTlsRules,
  readValues,
  type SettingRules,
  usage,
} from '@holdfast/service';

export interface Settings {
  /** Its name in the register of nodes, for good. */
  readonly node: string;
  readonly host: string;
  /** 0 picks a free port; -1, of the Redis and the HTTP port, does not serve. */
  readonly redisPort: number;
  readonly grpcPort: number;
  readonly httpPort: number;
  /** The host that others are told; `host` if empty. */
  readonly advertise: string;
  readonly storage: 'memory' | 'level';
  readonly directory: string;
  /** What level storage keeps of all shards in memory; 0 for any amount. */
  readonly cacheBytes: number;
  /** What the histories of all shards may take in memory, 0 for none; and how old they may be, 0 for any age. */
  readonly history: { readonly bytes: number; readonly seconds: number };
  readonly etcd: EtcdSettings;
  /** TLS between the processes of the cluster. */
  readonly peers: PeerTlsFiles | undefined;
  /** Instances of the timestamp service; none where there is one shard. */
  readonly tso: readonly string[];
  readonly leaseMs: number;
  readonly snapshotLogBytes: number;
  readonly logLevel: string;
  /** Values of parameters, by Redis' names. */
  readonly parameters: ReadonlyMap<string, string>;
}

export const rules: SettingRules = {
  node: { initial: '', help: 'name of this node in the cluster: letters, digits, dots, dashes' },
  host: { initial: '127.0.0.1', help: 'address to listen on' },
  'redis-port': {
    initial: '6379',
    help: 'Redis Cluster clients; 0 picks a free port, -1 is off',
    isPort: true,
  },
  'grpc-port': { initial: '7379', help: 'gateways and other nodes; 0 picks a free port', isPort: true },
  'http-port': { initial: '8379', help: 'metrics and health; -1 is off', isPort: true },
  advertise: { initial: '', help: 'host that clients and other nodes are told; host if empty' },
  storage: { initial: 'memory', help: 'where the data lives', words: ['memory', 'level'] },
  dir: { initial: 'data', help: 'directory of this node alone: snapshots, or level storage' },
  'cache-bytes': {
    initial: '0',
    help: 'with level storage: what keys and values of all shards may take in memory, as 2gb; 0 is any amount',
  },
  'history-bytes': {
    initial: '0',
    help: 'what was written last to all shards is kept in memory up to this, as 500mb, and read by version; 0 is none',
  },
  'history-seconds': { initial: '0', help: 'and for how long at most; 0 is any age', least: 0 },
  ...etcdRules,
  ...peerTlsRules,
  tso: {
    initial: '',
    help: 'instances of the timestamp service: host:port, with commas between; needed with several shards',
  },
  'lease-ms': {
    initial: '2000',
    help: "how long other nodes leave a leader alone after its last entry, the same at all of a cluster's nodes",
    least: 500,
  },
  'snapshot-log-bytes': {
    initial: '67108864',
    help: 'with memory storage: a shard is written to the disk when its log has grown by this, and twice its size',
    least: 1,
  },
  ...commonRules,
};

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Reads the settings. Throws KvError INVALID with a message for the operator. */
export function readSettings(argv: readonly string[], environment: NodeJS.ProcessEnv): Settings {
  const more = parameterSettings(new Config(parameters), (name) => nodeParameters.has(name));
  const values = readValues(rules, argv, environment, more);
  return settingsOf((name) => values.get(name) ?? rules[name].initial, parametersOf(values, rules));
}

function settingsOf(setting: (name: string) => string, given: ReadonlyMap<string, string>): Settings {
  const node = setting('node');
  if (!namePattern.test(node)) {
    throw new KvError('INVALID', `node is '${node}': give this node a name of letters, digits, dots, dashes`);
  }
  return {
    node,
    host: setting('host'),
    redisPort: Number(setting('redis-port')),
    grpcPort: Number(setting('grpc-port')),
    httpPort: Number(setting('http-port')),
    advertise: setting('advertise'),
    storage: setting('storage') as Settings['storage'],
    directory: setting('dir'),
    cacheBytes: cacheBytesOf(setting),
    history: { bytes: bytesOf('history-bytes', setting), seconds: Number(setting('history-seconds')) },
    etcd: etcdSettingsOf(setting),
    peers: peerTlsOf(setting),
    tso: listOf(setting('tso')),
    leaseMs: Number(setting('lease-ms')),
    snapshotLogBytes: Number(setting('snapshot-log-bytes')),
    logLevel: setting('log-level'),
    parameters: given,
  };
}

const note = `
Parameters of CONFIG GET that are about data or connections are settings too, of all shards that the node ever hosts:
  --maxmemory 3gb                  what all of them together may take, an equal part for each
  --maxmemory-policy allkeys-lru   what goes where that is not enough; noeviction refuses writes
`;

export const settingsOfProcess: ProcessSettings<Settings> = {
  usage: `${usage('holdfast-node', rules)}${note}`,
  read(argv, environment) {
    const settings = readSettings(argv, environment);
    return { settings, logLevel: settings.logLevel };
  },
};

function cacheBytesOf(setting: (name: string) => string): number {
  const bytes = bytesOf('cache-bytes', setting);
  if (bytes > 0 && setting('storage') !== 'level')
    throw new KvError('INVALID', 'cache-bytes bounds what level storage keeps in memory: --storage level');
  return bytes;
}

function bytesOf(name: string, setting: (name: string) => string): number {
  const text = setting(name);
  const bytes = parseMemory(text);
  if (bytes === null || bytes < 0)
    throw new KvError('INVALID', `${name} is '${text}': it must be an amount, as 500mb or 2gb`);
  return bytes;
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
