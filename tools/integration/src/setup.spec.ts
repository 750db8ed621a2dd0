/** What `npm start`, `npm test` and the others do before they begin. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const setup = new URL('../../setup/dependencies.mjs', import.meta.url).href;
const built = fileURLToPath(new URL('../../../packages/engine/dist/index.js', import.meta.url));

const build = () =>
  run(process.execPath, ['--input-type=module', '-e', `(await import('${setup}')).build()`], {
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))),
  });

it('leaves what is built where it is, under processes that run from it, when no source changed', async () => {
  await build();
  const { ino, mtimeMs } = statSync(built);
  await build();
  expect(statSync(built)).toMatchObject({ ino, mtimeMs });
}, 300_000);
