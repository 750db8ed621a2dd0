/**
 * Which etcd we trust. Releases before these could answer a linearizable read with old data after a pause
 * (etcd issue 20418). Nothing of ours rests its safety on a read alone, so they can be used with a warning,
 * but a follower may then be told an old tail, and an operator should know.
 */
import { KvError } from '@holdfast/common';

/** The first good release of each line that has one; later lines are good from their start. */
export const supportedEtcd = ['3.4.42', '3.5.28', '3.6.9'] as const;

/** Before this, parts of the API that we use are missing. */
const oldestMinor = 4;

/** What to do about a version that is not supported: refuse to work, or say so and go on. */
export type VersionPolicy = 'refuse' | 'warn';

/** Why a version is not supported; null when it is. */
export function versionProblem(version: string): string | null {
  const [major, minor, patch] = version.split(/[.-]/, 3).map(Number);
  if (![major, minor, patch].every(Number.isInteger)) return `'${version}' is no version`;
  if (major < 3 || (major === 3 && minor < oldestMinor)) {
    return `etcd ${version} is too old: 3.${oldestMinor} is the oldest that works`;
  }
  const good = supportedEtcd.find((release) => release.startsWith(`${major}.${minor}.`));
  if (good === undefined || patch >= Number(good.split('.')[2])) return null;
  return `etcd ${version} may answer linearizable reads with old data after a pause: upgrade it to ${good}`;
}

/** Throws KvError INVALID for what can't be used under this policy; the warning otherwise, null for none. */
export function checkVersion(version: string, policy: VersionPolicy): string | null {
  const problem = versionProblem(version);
  if (problem === null) return null;
  const isUsable = policy === 'warn' && !problem.includes('too old') && !problem.includes('no version');
  if (!isUsable) throw new KvError('INVALID', problem);
  return problem;
}
