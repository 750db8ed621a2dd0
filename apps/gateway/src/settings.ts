/**
 * The settings of the server: from flags, then environment variables, then a config file, then defaults.
 *
 *     --redis-port 6379        HOLDFAST_REDIS_PORT=6379        redis-port 6379
 *
 * Besides its own settings the server takes every parameter that CONFIG GET knows, by the same name. What a
 * redis.conf says in other words (`port`, `bind`, `appendonly` ...) is understood.
 */
import { Config, parameters } from '@holdfast/engine';
import {
  commonRules,
  type EtcdSettings,
  etcdRules,
  etcdSettingsOf,
  type MoreSettings,
  type PeerTlsFiles,
  type ProcessSettings,
  parameterSettings,
  parametersOf,
  peerTlsOf,
  peerTlsRules,
  type RedisNames,
  readValues,
  type SettingRules,
  usage,
} from '@holdfast/service';

/** How the levels of scripts are called in our logs. */
export const logMethods = { debug: 'debug', verbose: 'debug', notice: 'info', warning: 'warn' } as const;

export interface Settings {
  /** `local`: a whole server in this process. `cluster`: before the cluster that etcd knows. */
  readonly mode: 'local' | 'cluster';
  /** One address or several: see `parseHosts`. */
  readonly host: string;
  /** 0 picks a free port, -1 does not serve. The same for the other ports. */
  readonly redisPort: number;
  readonly grpcPort: number;
  readonly httpPort: number;
  /** For operators alone: whoever comes there may change where the log is. */
  readonly adminPort: number;
  /** Path of a unix socket for the Redis protocol; empty for none. */
  readonly unixSocket: string;
  readonly storage: 'memory' | 'level';
  readonly log: 'none' | 'file';
  readonly fsync: 'always' | 'everysec' | 'no';
  readonly directory: string;
  /** Of a cluster. */
  readonly etcd: EtcdSettings;
  /** TLS to the nodes of a cluster; in local mode, of the administration. */
  readonly peers: PeerTlsFiles | undefined;
  /** How the reads of clients of a cluster begin. */
  readonly readMode: 'linearizable' | 'lease' | 'stale';
  readonly logLevel: string;
  /** Path of the config file; empty for none. */
  readonly configFile: string;
  /** Lines of the config file that define users: a name, and rules. */
  readonly users: readonly string[];
  /** Values of parameters, by Redis' names. */
  readonly parameters: ReadonlyMap<string, string>;
}

export const rules: SettingRules = {
  mode: { initial: 'local', help: 'a whole server, or the door to a cluster', words: ['local', 'cluster'] },
  host: { initial: '127.0.0.1', help: 'address to listen on, or several' },
  'redis-port': { initial: '6379', help: 'Redis protocol; 0 picks a free port, -1 is off', isPort: true },
  'grpc-port': { initial: '7379', help: 'gRPC', isPort: true },
  'admin-port': { initial: '-1', help: 'administration, for kvctl; -1 is off', isPort: true },
  'http-port': { initial: '8379', help: 'metrics and health', isPort: true },
  'unix-socket': { initial: '', help: 'path of a unix socket for the Redis protocol' },
  storage: { initial: 'memory', help: 'where the data lives', words: ['memory', 'level'] },
  log: { initial: 'none', help: 'what makes writes durable', words: ['none', 'file'] },
  fsync: { initial: 'everysec', help: 'when the log reaches the disk', words: ['always', 'everysec', 'no'] },
  dir: { initial: 'data', help: 'directory of level storage and the log' },
  ...etcdRules,
  ...peerTlsRules,
  'read-mode': {
    initial: 'linearizable',
    help: 'how the reads of clients of a cluster begin',
    words: ['linearizable', 'lease', 'stale'],
  },
  ...commonRules,
};

/** What Redis calls some of our settings, and what its values are here where they differ. */
export const redisNames: RedisNames = {
  port: { name: 'redis-port', values: { '0': '-1' } },
  bind: { name: 'host' },
  unixsocket: { name: 'unix-socket' },
  appendonly: { name: 'log', values: { yes: 'file', no: 'none' } },
  appendfsync: { name: 'fsync' },
};

/** Parameters, users, and settings in Redis' words. */
function moreSettings(): MoreSettings {
  const more = parameterSettings(new Config(parameters), undefined, redisNames);
  return {
    translate: (name, value) => (name === 'user' ? [name, value] : more.translate(name, value)),
    problemOf: (name, value) => (name === 'user' ? null : more.problemOf(name, value)),
    separators: { ...more.separators, user: '\n' },
  };
}

/** Reads the settings. Throws KvError INVALID with a message for the operator. */
export function readSettings(argv: readonly string[], environment: NodeJS.ProcessEnv): Settings {
  const values = readValues(rules, argv, environment, moreSettings());
  const text = (name: string): string => values.get(name) ?? rules[name].initial;
  const given = new Map(parametersOf(values, rules));
  given.delete('user');
  return {
    mode: text('mode') as Settings['mode'],
    host: text('host'),
    redisPort: Number(text('redis-port')),
    grpcPort: Number(text('grpc-port')),
    httpPort: Number(text('http-port')),
    adminPort: Number(text('admin-port')),
    unixSocket: text('unix-socket'),
    storage: text('storage') as Settings['storage'],
    log: text('log') as Settings['log'],
    fsync: text('fsync') as Settings['fsync'],
    directory: text('dir'),
    etcd: etcdSettingsOf(text),
    peers: peerTlsOf(text),
    readMode: text('read-mode') as Settings['readMode'],
    logLevel: text('log-level'),
    configFile: text('config'),
    users: (values.get('user') ?? '').split('\n').filter((line) => line !== ''),
    parameters: given,
  };
}

export const settingsOfProcess: ProcessSettings<Settings> = {
  usage: `${usage('holdfast', rules)}\nEvery parameter of CONFIG GET is a setting too: --maxclients 100.\n`,
  read(argv, environment) {
    const settings = readSettings(argv, environment);
    return { settings, logLevel: settings.logLevel };
  },
};
