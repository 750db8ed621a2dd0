/**
 * What the configuration says of a local server's users, of its log and of how much stays in memory: checked at the
 * start, and followed while it runs.
 */
import { KvError } from '@holdfast/common';
import { Config, type KV, parameters } from '@holdfast/engine';
import type { FsyncPolicy } from '@holdfast/log';
import type { HistoryBounds } from './history/bounds.js';
import type { KeptHistory } from './history/kept-history.js';
import type { LocalStackOptions } from './local-stack.js';
import type { Persistence } from './persistence.js';
import type { SavePoint } from './save-points.js';

/** Throws KvError INVALID. */
export function configurationOf(options: LocalStackOptions): Config {
  const config = new Config([...parameters, ...(options.moreParameters ?? [])]);
  for (const [name, value] of options.parameters ?? []) config.set(name, value);
  boundResident(config, options);
  return config;
}

/** Whether what is written goes to the disk by itself. */
export function isOnDisk({ log, storage }: LocalStackOptions): boolean {
  return log !== 'none' || storage !== 'memory';
}

/** Throws KvError INVALID when all data is in memory, and what is in memory is to be bounded. */
function boundResident(config: Config, { storage }: LocalStackOptions): void {
  if (storage === 'level') return;
  const problem = 'it bounds what level storage keeps in memory: start the server with --storage level';
  if (config.number('cache-bytes') > 0) throw new KvError('INVALID', `cache-bytes: ${problem}`);
  config.guard('cache-bytes', (wanted) => (wanted === '0' ? null : problem));
}

/** Throws KvError INVALID when a user is wrong: a server must not begin with others than it was given. */
export function loadUsers({ access }: KV, users: readonly string[]): void {
  const { file } = access;
  for (const line of users) {
    if (file !== null) {
      throw new KvError(
        'INVALID',
        'users are defined by the configuration and by an ACL file: choose one of them',
      );
    }
    const [name, ...rules] = line.split(' ').filter((word) => word !== '');
    const problem = access.setUser(name, rules, () => {});
    if (problem !== null) throw new KvError('INVALID', `user ${name}: ${problem.replace(/^ERR /, '')}`);
  }
  if (file === null) return;
  const problems = access.load(file.read(), file.path, () => {});
  if (problems !== null) throw new KvError('INVALID', problems);
}

/** `save`, as pairs of seconds and writes. */
export function savePointsOf(config: Config): SavePoint[] {
  const numbers = config.text('save').split(' ').filter(Boolean).map(Number);
  const points: SavePoint[] = [];
  for (let i = 0; i + 1 < numbers.length; i += 2)
    points.push({ seconds: numbers[i], writes: numbers[i + 1] });
  return points;
}

/** The log in Redis' words: how it is synced can be changed at any time; whether there is one, for memory storage. */
export function describeLog(
  config: Config,
  { log, storage, fsync }: LocalStackOptions,
  persistence: Persistence | null,
): void {
  const appendonly = log === 'file' ? 'yes' : 'no';
  config.set('appendonly', appendonly);
  if (log === 'file') config.set('appendfsync', fsync);
  config.onChange('appendfsync', (policy) => persistence?.syncLog(policy as FsyncPolicy));
  if (storage === 'memory' && persistence !== null) {
    config.changeBy(['appendonly'], (values) => persistence.turn(values.get('appendonly') === 'yes'));
    return;
  }
  config.guard('appendonly', (wanted) =>
    wanted === appendonly
      ? null
      : `it is '${appendonly}' since the start of the server: start it with another --log`,
  );
}

/** As they are, but for those that are about to change. */
export function historyBoundsOf(
  config: Config,
  wanted: ReadonlyMap<string, string> = new Map(),
): HistoryBounds {
  const numberOf = (name: string): number => Number(wanted.get(name) ?? config.number(name));
  return { bytes: numberOf('history-bytes'), seconds: numberOf('history-seconds') };
}

/** Whether a history is kept can change while the server runs, if it has a directory. */
export function watchHistory(config: Config, history: KeptHistory, persistence: Persistence | null): void {
  config.changeBy(['history-bytes', 'history-seconds'], async (wanted) => {
    const bounds = historyBoundsOf(config, wanted);
    if (persistence !== null) return persistence.turnHistory(bounds);
    if (bounds.bytes > 0 !== history.isWanted)
      throw new KvError('INVALID', 'a server without a directory keeps a history from its start on, or none');
    history.bounds = bounds;
  });
}
