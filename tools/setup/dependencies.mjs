/**
 * Installs what is missing, and only that: npm packages when the lock file changed since the last
 * installation, Debian packages when a program is not found. Plain JavaScript without imports of packages,
 * because it runs before there are any.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
  strace: 'strace',
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
  if (isStamped(stamp, lock)) return;
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

/** Folders whose files the build reads, and files of the root that it reads. */
const sourceRoots = ['packages', 'apps', 'tools', 'proto'];
const sourceFiles = ['package-lock.json', 'package.json', 'nx.json', 'tsconfig.base.json'];
/** What a build makes, and what it does not read. */
const notSources = new Set(['node_modules', 'dist', 'gen']);

/**
 * Compiles what changed. Where nothing did, what is there is not touched: nx would put the same files in their
 * place anew, under the feet of processes that run from them.
 */
export function build() {
  const stamp = join(root, 'node_modules', '.holdfast-build');
  const sources = hashOfSources();
  if (isStamped(stamp, `${sources} ${outputs()}`)) return;
  const env = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' };
  const result = spawnSync('npx', ['nx', 'run-many', '-t', 'build', '--outputStyle=static'], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    process.stderr.write(result.stdout + result.stderr);
    process.exit(result.status ?? 1);
  }
  writeFileSync(stamp, `${sources} ${outputs()}`);
}

function isStamped(stamp, text) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === text;
}

/** SHA-256 of the names and contents of all sources, in hexadecimal digits. */
function hashOfSources() {
  const hash = createHash('sha256');
  const add = (path) =>
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  const addFolder = (folder) => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') || notSources.has(entry.name)) continue;
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) addFolder(path);
      else if (entry.isFile() && !entry.name.endsWith('.tsbuildinfo')) add(path);
    }
  };
  for (const file of sourceFiles) add(file);
  for (const folder of sourceRoots) addFolder(folder);
  return hash.digest('hex');
}

/** When each project was compiled last, by whomever, in ms: 0 where it was not. */
function outputs() {
  const times = ['packages', 'apps', 'tools'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => {
      const info = join(root, folder, name, 'dist', 'tsconfig.tsbuildinfo');
      return statSync(info, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    }),
  );
  return times.join(' ');
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)));
}
