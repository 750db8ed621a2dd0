/**
 * The settings of a process: from flags, then environment variables, then a config file, then defaults.
 *
 *     --grpc-port 7380        HOLDFAST_GRPC_PORT=7380        grpc-port 7380
 */
import { readFileSync } from 'node:fs';
import { KvError } from '@holdfast/common';

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

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/** Settings that every process has. */
export const commonRules = {
  'log-level': { initial: 'info', help: 'how much is said on stderr', words: logLevels },
  config: { initial: '', help: 'a file with lines of "name value"' },
} as const satisfies SettingRules;

/** The text of `--help`. */
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
  const flags = readFlags(rules, argv);
  const variables = readVariables(rules, environment);
  const path = flags.get('config') ?? variables.get('config') ?? '';
  const file = path === '' ? new Map<string, string>() : readConfigFile(rules, path);
  const values = new Map([...file, ...variables, ...flags]);
  for (const [name, value] of values) {
    const problem = problemOf(rules[name], value);
    if (problem !== null) throw new KvError('INVALID', `${name} is '${value}': ${problem}`);
  }
  return (name) => values.get(name) ?? rules[name].initial;
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

function checkName(rules: SettingRules, name: string, source: string): string {
  if (Object.hasOwn(rules, name)) return name;
  throw new KvError('INVALID', `there is no setting '${name}' (${source}); --help lists them`);
}

function readFlags(rules: SettingRules, argv: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(argv[i]);
    if (match === null)
      throw new KvError('INVALID', `expected --setting, found '${argv[i]}'; --help lists them`);
    const name = checkName(rules, match[1], 'a flag');
    const value = match[2] ?? argv[++i];
    if (value === undefined) throw new KvError('INVALID', `--${name} needs a value`);
    flags.set(name, value);
  }
  return flags;
}

function readVariables(rules: SettingRules, environment: NodeJS.ProcessEnv): Map<string, string> {
  const variables = new Map<string, string>();
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('HOLDFAST_') || value === undefined) continue;
    const name = variable.slice('HOLDFAST_'.length).toLowerCase().replaceAll('_', '-');
    variables.set(checkName(rules, name, variable), value);
  }
  return variables;
}

function readConfigFile(rules: SettingRules, path: string): Map<string, string> {
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
    values.set(checkName(rules, match[1].toLowerCase(), `${path}, line ${index + 1}`), value);
  });
  return values;
}
