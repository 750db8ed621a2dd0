/**
 * Makes a program of an app: `node bundle.mjs`, in its folder, writes `dist/main.js` with all that it imports, over the
 * one that tsc left there. A process loads one file instead of some 800, which took it more than a second of CPU.
 *
 * Names of functions and classes stay, so that a stack trace tells its story; positions are those of the bundle, and
 * `main.js.map` leads from them to the sources.
 */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { rolldown } from 'rolldown';

/** Packages with native code or files that they read: they stay in node_modules, and are dependencies of the app. */
const external = ['level', 'wasmoon-lua5.1', '@grpc/proto-loader', '@grpc/reflection', 'grpc-health-check'];

/** A file that is named by its address, as threads are, becomes a file beside the bundle. */
const threads = {
  name: 'threads',
  transform(code, id) {
    for (const [, path] of code.matchAll(/new URL\('(\.\/[\w-]+\.js)', import\.meta\.url\)/g)) {
      this.emitFile({ type: 'chunk', id: resolve(dirname(id), path), fileName: path.slice(2) });
    }
  },
};

const bundle = await rolldown({
  input: { main: 'src/main.ts' },
  platform: 'node',
  external,
  plugins: [threads],
  resolve: { conditionNames: ['source', 'node', 'import', 'require', 'default'] },
});
for (const file of readdirSync('dist')) if (file.includes('.chunk.js')) rmSync(`dist/${file}`);
await bundle.write({
  dir: 'dist',
  format: 'esm',
  chunkFileNames: '[name].chunk.js',
  sourcemap: true,
  minify: {
    compress: { keepNames: { function: true, class: true } },
    mangle: { keepNames: true },
    codegen: true,
  },
});
await bundle.close();
