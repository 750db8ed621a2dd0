/**
 * Makes few files of many: `node bundle.mjs`, in the folder of an app or a package, after tsc. A process that loads
 * one file instead of hundreds starts a second of CPU earlier.
 *
 * - An app becomes a program, `dist/main.js`, with all that it imports, over the one that tsc left there.
 * - A package becomes one file for each door in its `exports`, and one for what they share, in `dist/bundle`: its own
 *   modules only, so that every module is there once in a process, whoever imports it.
 *
 * Names of functions and classes stay, so that a stack trace tells its story; positions are those of the bundle, and
 * a map beside each file leads from them to the sources.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';

/** Packages with native code or files that they read: they stay in node_modules, and are dependencies of the app. */
const keptApart = ['level', 'wasmoon-lua5.1', '@grpc/proto-loader', '@grpc/reflection', 'grpc-health-check'];

/** A file that is named by its address, as threads are, becomes a file beside the bundle. */
const threads = {
  name: 'threads',
  transform(code, id) {
    for (const [, path] of code.matchAll(/new URL\('(\.\/[\w-]+\.js)', import\.meta\.url\)/g)) {
      this.emitFile({ type: 'chunk', id: resolve(dirname(id), path), fileName: path.slice(2) });
    }
  },
};

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));

/** The condition of `exports` that leads to the sources: with a name of our own, as others ask their packages for `source`. */
const sourceCondition = '@holdfast/source';

const doors = Object.values(manifest.exports).filter((target) => typeof target === 'object');

const program = {
  dir: 'dist',
  input: { main: 'src/main.ts' },
  external: keptApart,
  minify: {
    compress: { keepNames: { function: true, class: true } },
    mangle: { keepNames: true },
    codegen: true,
  },
};

const library = {
  dir: 'dist/bundle',
  input: Object.fromEntries(
    doors.map(({ [sourceCondition]: source, default: file }) => [
      relative('dist/bundle', file).replace(/\.js$/, ''),
      source,
    ]),
  ),
  external: /^[^./]/,
  minify: false,
};

const { dir, input, external, minify } = manifest.bin === undefined ? library : program;
const bundle = await rolldown({
  input,
  platform: 'node',
  external,
  plugins: [threads],
  resolve: { conditionNames: [sourceCondition, 'node', 'import', 'require', 'default'] },
});
const { output } = await bundle.write({
  dir,
  format: 'esm',
  chunkFileNames: '[name].chunk.js',
  sourcemap: true,
  minify,
});
await bundle.close();
const written = new Set(output.flatMap(({ fileName }) => [fileName, `${fileName}.map`]));
for (const file of readdirSync(dir))
  if (file.includes('.chunk.js') && !written.has(file)) rmSync(`${dir}/${file}`);
