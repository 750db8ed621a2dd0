/**
 * The settings of the server: from flags, then environment variables, then a config file, then defaults.
 *
 *     --redis-port 6379        HOLDFAST_REDIS_PORT=6379        redis-port 6379
 *
 * Besides its own settings the server takes every parameter that CONFIG GET knows, by the same name. What a
 * redis.conf says in other words (`port`, `bind`, `appendonly` ...) is understood.
 */
import { readFileSync } from 'node:fs';
import { KvError } from '@holdfast/common';
import { Config, parameters } from '@holdfast/engine';
import { type EtcdSettings, etcdRules, etcdSettingsOf } from '@holdfast/service';

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
  /** Path of a unix socket for the Redis protocol; empty for none. */
  readonly unixSocket: string;
  readonly storage: 'memory' | 'level';
  readonly log: 'none' | 'file';
  readonly fsync: 'always' | 'everysec' | 'no';
  readonly directory: string;
  /** Of a cluster. */
  readonly etcd: EtcdSettings;
  /** How the reads of clients of a cluster begin. */
  readonly readMode: 'linearizable' | 'lease' | 'stale';
  readonly logLevel: string;
  /** Lines of the config file that define users: a name, and rules. */
  readonly users: readonly string[];
  /** Values of parameters, by Redis' names. */
  readonly parameters: ReadonlyMap<string, string>;
}

interface SettingRule {
  readonly initial: string;
  readonly help: string;
  readonly words?: readonly string[];
  readonly isPort?: boolean;
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

export const rules: Readonly<Record<string, SettingRule>> = {
  mode: { initial: 'local', help: 'a whole server, or the door to a cluster', words: ['local', 'cluster'] },
  host: { initial: '127.0.0.1', help: 'address to listen on, or several' },
  'redis-port': { initial: '6379', help: 'Redis protocol; 0 picks a free port, -1 is off', isPort: true },
  'grpc-port': { initial: '7379', help: 'gRPC', isPort: true },
  'http-port': { initial: '8379', help: 'metrics and health', isPort: true },
  'unix-socket': { initial: '', help: 'path of a unix socket for the Redis protocol' },
  storage: { initial: 'memory', help: 'where the data lives', words: ['memory', 'level'] },
  log: { initial: 'none', help: 'what makes writes durable', words: ['none', 'file'] },
  fsync: { initial: 'everysec', help: 'when the log reaches the disk', words: ['always', 'everysec', 'no'] },
  dir: { initial: 'data', help: 'directory of level storage and the log' },
  ...etcdRules,
  'read-mode': {
    initial: 'linearizable',
    help: 'how the reads of clients of a cluster begin',
    words: ['linearizable', 'lease', 'stale'],
  },
  'log-level': { initial: 'info', help: 'how much is said on stderr', words: logLevels },
  config: { initial: '', help: 'a file with lines of "name value"' },
};

/** The text of `--help`. */
export function usage(): string {
  const lines = Object.entries(rules).map(([name, { initial, help, words }]) => {
    const values = words === undefined ? '' : ` (${words.join(', ')})`;
    return `  --${name.padEnd(14)} ${help}${values}${initial === '' ? '' : `; default ${initial}`}`;
  });
  return `Usage: npm start -- [--setting value ...]\n\n${lines.join('\n')}\n\nEvery parameter of CONFIG GET is a setting too: --maxclients 100.\n`;
}

/** Reads the settings. Throws KvError INVALID with a message for the operator. */
export function readSettings(argv: readonly string[], environment: NodeJS.ProcessEnv): Settings {
  const flags = readFlags(argv);
  const variables = readVariables(environment);
  const path = flags.get('config') ?? variables.get('config') ?? '';
  const file = path === '' ? new Map<string, string>() : readConfigFile(path);
  const values = new Map([...file, ...variables, ...flags]);
  checkValues(values);
  const text = (name: string): string => values.get(name) ?? rules[name].initial;
  return {
    mode: text('mode') as Settings['mode'],
    host: text('host'),
    redisPort: Number(text('redis-port')),
    grpcPort: Number(text('grpc-port')),
    httpPort: Number(text('http-port')),
    unixSocket: text('unix-socket'),
    storage: text('storage') as Settings['storage'],
    log: text('log') as Settings['log'],
    fsync: text('fsync') as Settings['fsync'],
    directory: text('dir'),
    etcd: etcdSettingsOf(text),
    readMode: text('read-mode') as Settings['readMode'],
    logLevel: text('log-level'),
    users: (values.get('user') ?? '').split('\n').filter((line) => line !== ''),
    parameters: new Map([...values].filter(([name]) => !(name in rules) && name !== 'user')),
  };
}

/** Throws for the first value that its setting or parameter does not take. */
function checkValues(values: ReadonlyMap<string, string>): void {
  const config = new Config(parameters);
  for (const [name, value] of values) {
    if (name === 'user') continue;
    const problem = name in rules ? problemOf(rules[name], value) : config.check(name, value);
    if (problem !== null) throw new KvError('INVALID', `${name} is '${value}': ${problem}`);
  }
}

function problemOf({ words, isPort }: SettingRule, value: string): string | null {
  if (words !== undefined && !words.includes(value)) return `it must be one of ${words.join(', ')}`;
  if (isPort && !(/^-?\d+$/.test(value) && Number(value) >= -1 && Number(value) <= 65535)) {
    return 'it must be a port from 0 to 65535, or -1 for none';
  }
  return null;
}

const parameterNames = new Set(parameters.map(({ name }) => name));

/** What Redis calls some of our settings, and what its values are here where they differ. */
const redisNames: Readonly<
  Record<string, { readonly name: string; readonly values?: Readonly<Record<string, string>> }>
> = {
  port: { name: 'redis-port', values: { '0': '-1' } },
  bind: { name: 'host' },
  unixsocket: { name: 'unix-socket' },
  appendonly: { name: 'log', values: { yes: 'file', no: 'none' } },
  appendfsync: { name: 'fsync' },
};

/** What joins the values of parameters whose lines in a file add up. */
const separators: Readonly<Record<string, string>> = {
  save: ' ',
  'client-output-buffer-limit': ' ',
  user: '\n',
};

/** A name and a value in our own words. */
function translate(name: string, value: string, source: string): [name: string, value: string] {
  const ours = Object.hasOwn(redisNames, name) ? redisNames[name] : undefined;
  if (ours !== undefined) return [ours.name, ours.values?.[value] ?? value];
  if (Object.hasOwn(rules, name) || parameterNames.has(name) || name === 'user') return [name, value];
  throw new KvError('INVALID', `there is no setting '${name}' (${source}); --help lists them`);
}

function readFlags(argv: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(argv[i]);
    if (match === null)
      throw new KvError('INVALID', `expected --setting, found '${argv[i]}'; --help lists them`);
    const value = match[2] ?? argv[++i];
    const [name, translated] = translate(match[1], value ?? '', 'a flag');
    if (value === undefined) throw new KvError('INVALID', `--${match[1]} needs a value`);
    flags.set(name, translated);
  }
  return flags;
}

function readVariables(environment: NodeJS.ProcessEnv): Map<string, string> {
  const variables = new Map<string, string>();
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('HOLDFAST_') || value === undefined) continue;
    const name = variable.slice('HOLDFAST_'.length).toLowerCase().replaceAll('_', '-');
    variables.set(...translate(name, value, variable));
  }
  return variables;
}

function readConfigFile(path: string): Map<string, string> {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw new KvError('INVALID', `the config file can't be read: ${(error as Error).message}`);
  }
  const values = new Map<string, string>();
  content.split('\n').forEach((line, index) => {
    const match = /^\s*([^\s#]\S*)\s*(.*?)\s*$/.exec(line);
    if (match === null) return;
    const text = /^"(.*)"$/.exec(match[2])?.[1] ?? match[2];
    const [name, value] = translate(match[1].toLowerCase(), text, `${path}, line ${index + 1}`);
    const before = Object.hasOwn(separators, name) ? (values.get(name) ?? '') : '';
    values.set(name, before === '' ? value : `${before}${separators[name]}${value}`);
  });
  return values;
}
