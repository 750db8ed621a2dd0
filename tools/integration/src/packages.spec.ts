/**
 * Every package as its users get it: packed, put into an empty folder with what it declares to need and nothing
 * else, imported by Node, and compiled against by a small consumer.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryDirectory } from './server.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly description?: string;
  readonly license?: string;
  readonly exports?: Readonly<Record<string, Door | string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** One of `exports`, by condition. */
type Door = Readonly<Record<string, string>>;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let installed: Manifest[] = [];

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

const folderOf = (name: string): string => join(directory.path, 'node_modules', name);

/** Packs the published packages and unpacks them where a consumer would have them. */
async function installPackages(): Promise<Manifest[]> {
  const sources = ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(root, parent, name)),
  );
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory.path, ...sources];
  const { stdout } = await run('npm', pack, { cwd: root, maxBuffer: 1 << 26 });
  const packed = JSON.parse(stdout) as { name: string; filename: string }[];
  for (const { name, filename } of packed) {
    mkdirSync(folderOf(name), { recursive: true });
    const file = join(directory.path, filename.replace('@', '').replace('/', '-'));
    await run('tar', ['-xzf', file, '-C', folderOf(name), '--strip-components', '1']);
  }
  return packed.map(({ name }) => readManifest(folderOf(name)));
}

/** What the packages say they need from others: where it is already, so that no registry is asked. */
function linkDependencies(names: Iterable<string>): void {
  for (const name of names) {
    const target = folderOf(name);
    if (existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), target);
  }
}

beforeAll(async () => {
  directory = await temporaryDirectory();
  installed = await installPackages();
  linkDependencies(installed.flatMap(({ dependencies }) => Object.keys(dependencies ?? {})));
  // For the consumer below.
  linkDependencies(['typescript', '@types/node']);
  writeFileSync(join(directory.path, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
}, 120_000);

afterAll(() => directory.remove());

/** What can be imported from a package; package.json is none of it. */
function doorsOf({ exports }: Manifest): [string, Door][] {
  return Object.entries(exports ?? {}).filter((door): door is [string, Door] => typeof door[1] === 'object');
}

function specifiers(): string[] {
  return installed.flatMap((manifest) => doorsOf(manifest).map(([path]) => manifest.name + path.slice(1)));
}

it('has what a package must have, and no tests', () => {
  expect(installed.length).toBeGreaterThan(9);
  const licenceText = readFileSync(join(root, 'LICENSE'), 'utf8');
  for (const manifest of installed) {
    const { name, description, license, exports, bin } = manifest;
    const folder = folderOf(name);
    expect([name, description === undefined, license]).toEqual([name, false, 'Apache-2.0']);
    expect(existsSync(join(folder, 'README.md')), `${name}: README.md`).toBe(true);
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8'), name).toBe(licenceText);
    expect(exports?.['./package.json'], name).toBe('./package.json');
    const doors = doorsOf(manifest).map(([, door]) => door);
    const files = doors.flatMap(({ types, default: main }) => [types, main]);
    expect(files.length, name).toBeGreaterThan(0);
    // Bundlers ask for conditions such as `source`, `import` or `browser`: they must get what Node gets.
    const conditions = doors.flatMap((door) => Object.keys(door));
    expect(new Set(conditions), name).toEqual(
      new Set([...conditions.filter((each) => each === '@holdfast/source'), 'types', 'default']),
    );
    for (const file of [...files, ...Object.values(bin ?? {})]) {
      expect(file !== undefined && existsSync(join(folder, file)), `${name}: ${file}`).toBe(true);
    }
    const all = readdirSync(folder, { recursive: true }).map(String);
    expect(all.filter((file) => /\.(spec|bench)\.|tsbuildinfo/.test(file))).toEqual([]);
  }
});

it('says in its README what each dependency is for', () => {
  for (const { name, dependencies } of installed) {
    const readme = readFileSync(join(folderOf(name), 'README.md'), 'utf8');
    const foreign = Object.keys(dependencies ?? {}).filter((each) => !each.startsWith('@holdfast/'));
    expect([name, ...foreign.filter((each) => !readme.includes(`\`${each}\``))]).toEqual([name]);
  }
});

it('declares no dependency that nothing in it names', () => {
  for (const { name, dependencies } of installed) {
    const files = readdirSync(folderOf(name), { recursive: true }).map(String);
    const text = files
      .filter((file) => /^dist\/.*\.(js|d\.ts)$/.test(file))
      .map((file) => readFileSync(join(folderOf(name), file), 'utf8'))
      .join('\n');
    const isNamed = (each: string): boolean =>
      ['"', "'", '`'].some(
        (quote) => text.includes(`${quote}${each}${quote}`) || text.includes(`${quote}${each}/`),
      );
    const unnamed = Object.keys(dependencies ?? {}).filter((each) => !isNamed(each));
    expect([name, ...unnamed]).toEqual([name]);
  }
});

it('can be imported, with what it declares to need', async () => {
  const lines = specifiers().map((specifier) => `await import('${specifier}');`);
  writeFileSync(
    join(directory.path, 'consumer.mjs'),
    `${lines.join('\n')}
     const { open } = await import('@holdfast/client');
     const store = await open();
     await store.put('k', 'v');
     console.log(String((await store.get('k')).value));
     await store.close();`,
  );
  const { stdout } = await run(process.execPath, ['consumer.mjs'], { cwd: directory.path });
  expect(stdout).toBe('v\n');
}, 60_000);

it('has programs that run where they are installed', async () => {
  const programs = installed.flatMap(({ name, bin }) =>
    Object.values(bin ?? {}).map((file) => join(folderOf(name), file)),
  );
  expect(programs.length).toBe(4);
  for (const program of programs) {
    const { stdout } = await run(process.execPath, [program, '--help'], { cwd: directory.path });
    expect(stdout).toMatch(/^usage:/i);
  }
}, 60_000);

it('can be compiled against, strictly', async () => {
  const imports = specifiers().map((specifier, i) => `import * as module${i} from '${specifier}';`);
  const consumer = `
    ${imports.join('\n')}
    export const modules: object[] = [${imports.map((_, i) => `module${i}`).join(', ')}];
    import { type Entry, type KeyValueStore, KvError, open } from '@holdfast/client';
    export async function use(): Promise<string[]> {
      const store: KeyValueStore = await open({ database: 1 });
      const version: number = await store.put('k', 'v', { ttlMs: 1000 });
      const keys: string[] = [];
      for await (const entry of store.scan({ selection: { prefix: 'k' } })) keys.push(keyOf(entry));
      try {
        await store.put('k', 'w', { expectedVersion: version + 1 });
      } catch (error) {
        if (!(error instanceof KvError && error.code === 'VERSION_MISMATCH')) throw error;
      }
      await store.close();
      return keys;
    }
    const keyOf = ({ key, version }: Entry): string => key.toString('utf8') + version;
  `;
  writeFileSync(join(directory.path, 'consumer.ts'), consumer);
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'es2023',
    lib: ['es2023'],
    types: ['node'],
  };
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  for (const [module, moduleResolution] of [
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ]) {
    const config = {
      compilerOptions: { ...compilerOptions, module, moduleResolution },
      files: ['consumer.ts'],
    };
    writeFileSync(join(directory.path, 'tsconfig.json'), JSON.stringify(config));
    const { stdout } = await run(process.execPath, [tsc, '-p', directory.path]).catch((error) => error);
    expect(stdout, module).toBe('');
  }
}, 120_000);

it('can be required, where Node lets CommonJS have ES modules', async () => {
  const lines = specifiers().map((specifier) => `require('${specifier}');`);
  writeFileSync(join(directory.path, 'consumer.cjs'), `${lines.join('\n')} console.log('all');`);
  const args = ['--experimental-require-module', '--no-warnings', 'consumer.cjs'];
  const { stdout } = await run(process.execPath, args, { cwd: directory.path });
  expect(stdout).toBe('all\n');
}, 60_000);

it('starts from its package', async () => {
  for (const { name, bin } of installed) {
    for (const file of Object.values(bin ?? {})) {
      const { stdout } = await run(process.execPath, [join(folderOf(name), file), '--help']);
      expect(stdout).toContain('--');
    }
  }
}, 60_000);
