/**
 * The settings of a process: from flags, then environment variables, then a config file, then defaults.
 *
 *     --grpc-port 7380        HOLDFAST_GRPC_PORT=7380        grpc-port 7380
 */
import { readFileSync } from 'node:fs';
import { KvError } from '@holdfast/common';
import { unquoted } from './quoted-value.js';

export interface SettingRule {
  readonly initial: string;
  readonly help: string;
  readonly words?: readonly string[];
  /** 0 picks a free port, -1 does not serve. */
  readonly isPort?: boolean;
  /** A whole number, at least this. */
  readonly least?: number;
}

export type SettingRules = Readonly<Record<string, SettingRule>>;

/** What a process takes besides the settings that its rules name. */
export interface MoreSettings {
  /** A name and a value in the process's own words; null where there is no such setting. */
  translate(name: string, value: string): readonly [name: string, value: string] | null;
  /** What is wrong with a value that no rule is about; null when nothing is. */
  problemOf(name: string, value: string): string | null;
  /** What joins the values of those whose lines in a file add up. */
  readonly separators: Readonly<Record<string, string>>;
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/** Settings that every process has. */
export const commonRules = {
  'log-level': { initial: 'info', help: 'how much is said on stderr', words: logLevels },
  config: { initial: '', help: 'a file with lines of "name value"' },
} as const satisfies SettingRules;

/** The text of `--help`; `program` is how it is called. */
export function usage(program: string, rules: SettingRules): string {
  const width = Math.max(...Object.keys(rules).map(({ length }) => length));
  const lines = Object.entries(rules).map(([name, { initial, help, words }]) => {
    const values = words === undefined ? '' : ` (${words.join(', ')})`;
    return `  --${name.padEnd(width)}  ${help}${values}${initial === '' ? '' : `; default ${initial}`}`;
  });
  return `Usage: ${program} [--setting value ...]\n\n${lines.join('\n')}\n`;
}

/** The value of every setting. Throws KvError INVALID with a message for the operator. */
export function readSettings(
  rules: SettingRules,
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): (name: string) => string {
  const values = readValues(rules, argv, environment);
  return (name) => values.get(name) ?? rules[name].initial;
}

/** The values that were given, of the rules' settings and of `more`. Throws as `readSettings`. */
export function readValues(
  rules: SettingRules,
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  more: MoreSettings | null = null,
): ReadonlyMap<string, string> {
  const sources = new Sources(rules, more);
  const flags = sources.flags(argv);
  const variables = sources.variables(environment);
  const path = flags.get('config') ?? variables.get('config') ?? '';
  const file = path === '' ? new Map<string, string>() : sources.file(path);
  const values = new Map([...file, ...variables, ...flags]);
  for (const [name, value] of values) {
    const isRuled = Object.hasOwn(rules, name);
    const problem = isRuled ? problemOf(rules[name], value) : more!.problemOf(name, value);
    if (problem !== null) throw new KvError('INVALID', `${name} is '${value}': ${problem}`);
  }
  return values;
}

function problemOf({ words, isPort, least }: SettingRule, value: string): string | null {
  if (words !== undefined && !words.includes(value)) return `it must be one of ${words.join(', ')}`;
  if (isPort && !(/^-?\d+$/.test(value) && Number(value) >= -1 && Number(value) <= 65535)) {
    return 'it must be a port from 0 to 65535, or -1 for none';
  }
  if (least !== undefined && !(/^\d+$/.test(value) && Number(value) >= least)) {
    return `it must be a whole number, ${least} or more`;
  }
  return null;
}

/** Reads names and values from where they may stand. */
class Sources {
  readonly #rules: SettingRules;
  readonly #more: MoreSettings | null;

  constructor(rules: SettingRules, more: MoreSettings | null) {
    this.#rules = rules;
    this.#more = more;
  }

  flags(argv: readonly string[]): Map<string, string> {
    const flags = new Map<string, string>();
    for (let i = 0; i < argv.length; i++) {
      const match = /^--([^=]+)(?:=(.*))?$/s.exec(argv[i]);
      if (match === null) {
        throw new KvError('INVALID', `expected --setting, found '${argv[i]}'; --help lists them`);
      }
      const value = match[2] ?? argv[++i];
      const [name, translated] = this.#translate(match[1], value ?? '', 'a flag');
      if (value === undefined) throw new KvError('INVALID', `--${match[1]} needs a value`);
      flags.set(name, translated);
    }
    return flags;
  }

  variables(environment: NodeJS.ProcessEnv): Map<string, string> {
    const variables = new Map<string, string>();
    for (const [variable, value] of Object.entries(environment)) {
      if (!variable.startsWith('HOLDFAST_') || value === undefined || isServiceLink(variable, value))
        continue;
      const name = variable.slice('HOLDFAST_'.length).toLowerCase().replaceAll('_', '-');
      variables.set(...this.#translate(name, value, variable));
    }
    return variables;
  }

  file(path: string): Map<string, string> {
    let content: string;
    try {
      content = readFileSync(path, 'utf8');
    } catch (error) {
      throw new KvError('INVALID', `the config file can't be read: ${(error as Error).message}`);
    }
    const values = new Map<string, string>();
    content.split('\n').forEach((line, index) => {
      const said = settingOf(line);
      if (said === null) return;
      const [name, value] = this.#translate(...said, `${path}, line ${index + 1}`);
      const separator = this.#more?.separators[name];
      const before = separator === undefined ? '' : (values.get(name) ?? '');
      values.set(name, before === '' ? value : `${before}${separator}${value}`);
    });
    return values;
  }

  #translate(name: string, value: string, source: string): [name: string, value: string] {
    const translated = this.#more?.translate(name, value) ?? null;
    if (translated !== null) return [...translated];
    if (Object.hasOwn(this.#rules, name)) return [name, value];
    throw new KvError('INVALID', `there is no setting '${name}' (${source}); --help lists them`);
  }
}

/**
 * Whether Kubernetes made the variable: each pod gets some of every service in its namespace, by the service's name, and one
 * is likely to be called `holdfast`, or `holdfast-redis`, whose `HOLDFAST_REDIS_PORT` is no port.
 *
 *     HOLDFAST_SERVICE_HOST=10.0.0.1            HOLDFAST_PORT=tcp://10.0.0.1:6379
 *     HOLDFAST_SERVICE_PORT_REDIS=6379          HOLDFAST_PORT_6379_TCP_ADDR=10.0.0.1
 */
function isServiceLink(variable: string, value: string): boolean {
  if (/_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$/.test(variable)) return true;
  if (/_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(variable)) return true;
  return variable.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value);
}

/** The name, in lower case, and the value of a line of a config file; null for empty lines and comments. */
export function settingOf(line: string): [name: string, value: string] | null {
  const match = /^\s*([^\s#]\S*)\s*(.*?)\s*$/.exec(line);
  if (match === null) return null;
  return [match[1].toLowerCase(), unquoted(match[2])];
}
