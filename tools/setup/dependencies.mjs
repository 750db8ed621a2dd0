/**
 * Installs what is missing, and only that: npm packages when the lock file changed since the last
 * installation, Debian packages when a program is not found. Plain JavaScript without imports of packages,
 * because it runs before there are any.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Programs that the tests use, and the Debian package that brings each. */
const debianPackages = {
  'redis-server': 'redis-server',
  'redis-cli': 'redis-tools',
  'redis-benchmark': 'redis-tools',
  etcd: 'etcd-server',
  etcdctl: 'etcd-client',
  openssl: 'openssl',
};

/** Runs a program in the workspace's root, its output on ours; ends the process when it fails. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** npm packages, as the lock file has them. */
export function installPackages() {
  const stamp = join(root, 'node_modules', '.holdfast-lock');
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('installing npm packages');
  // Not `npm ci`: it refuses a lock file without the builds of native packages for other platforms, and a
  // mirror that does not carry them makes such a lock file.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lock);
}

/** Programs from Debian: all that tests and benchmarks use, or those that are named. */
export function installPrograms(...names) {
  const wanted = Object.entries(debianPackages).filter(
    ([name]) => names.length === 0 || names.includes(name),
  );
  const missing = wanted.filter(([program]) => !isOnPath(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))];
  if (!isOnPath('apt-get') || process.getuid?.() !== 0) {
    console.error(`please install: ${packages.join(' ')}`);
    process.exit(1);
  }
  console.error(`installing ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
}

/** Compiles what changed. */
export function build() {
  const env = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' };
  const result = spawnSync('npx', ['nx', 'run-many', '-t', 'build', '--outputStyle=static'], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  if (result.status === 0) return;
  process.stderr.write(result.stdout + result.stderr);
  process.exit(result.status ?? 1);
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)));
}
