/**
 * The settings of the server: from flags, then environment variables, then a config file, then defaults.
 *
 *     --redis-port 6379        HOLDFAST_REDIS_PORT=6379        redis-port 6379
 *
 * Besides its own settings the server takes every parameter that CONFIG GET knows, by the same name.
 */
import { readFileSync } from 'node:fs';
import { KvError } from '@holdfast/common';
import { parameters } from '@holdfast/engine';

export interface Settings {
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
  readonly logLevel: string;
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
  host: { initial: '127.0.0.1', help: 'address to listen on' },
  'redis-port': { initial: '6379', help: 'Redis protocol; 0 picks a free port, -1 is off', isPort: true },
  'grpc-port': { initial: '7379', help: 'gRPC', isPort: true },
  'http-port': { initial: '8379', help: 'metrics and health', isPort: true },
  'unix-socket': { initial: '', help: 'path of a unix socket for the Redis protocol' },
  storage: { initial: 'memory', help: 'where the data lives', words: ['memory', 'level'] },
  log: { initial: 'none', help: 'what makes writes durable', words: ['none', 'file'] },
  fsync: { initial: 'everysec', help: 'when the log reaches the disk', words: ['always', 'everysec', 'no'] },
  dir: { initial: 'data', help: 'directory of level storage and the log' },
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
  const text = (name: string): string => values.get(name) ?? rules[name].initial;
  for (const [name, { words, isPort }] of Object.entries(rules)) {
    const value = text(name);
    if (words !== undefined && !words.includes(value)) {
      throw new KvError('INVALID', `${name} must be one of ${words.join(', ')}, not '${value}'`);
    }
    if (isPort && !(/^-?\d+$/.test(value) && Number(value) >= -1 && Number(value) <= 65535)) {
      throw new KvError('INVALID', `${name} must be a port from 0 to 65535, or -1 for none, not '${value}'`);
    }
  }
  return {
    host: text('host'),
    redisPort: Number(text('redis-port')),
    grpcPort: Number(text('grpc-port')),
    httpPort: Number(text('http-port')),
    unixSocket: text('unix-socket'),
    storage: text('storage') as Settings['storage'],
    log: text('log') as Settings['log'],
    fsync: text('fsync') as Settings['fsync'],
    directory: text('dir'),
    logLevel: text('log-level'),
    parameters: new Map([...values].filter(([name]) => !(name in rules))),
  };
}

const parameterNames = new Set(parameters.map(({ name }) => name));

function checkName(name: string, source: string): string {
  if (name in rules || parameterNames.has(name)) return name;
  throw new KvError('INVALID', `there is no setting '${name}' (${source}); --help lists them`);
}

function readFlags(argv: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(argv[i]);
    if (match === null)
      throw new KvError('INVALID', `expected --setting, found '${argv[i]}'; --help lists them`);
    const name = checkName(match[1], 'a flag');
    const value = match[2] ?? argv[++i];
    if (value === undefined) throw new KvError('INVALID', `--${name} needs a value`);
    flags.set(name, value);
  }
  return flags;
}

function readVariables(environment: NodeJS.ProcessEnv): Map<string, string> {
  const variables = new Map<string, string>();
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('HOLDFAST_') || value === undefined) continue;
    const name = variable.slice('HOLDFAST_'.length).toLowerCase().replaceAll('_', '-');
    variables.set(checkName(name, variable), value);
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
    const value = /^"(.*)"$/.exec(match[2])?.[1] ?? match[2];
    values.set(checkName(match[1].toLowerCase(), `${path}, line ${index + 1}`), value);
  });
  return values;
}
