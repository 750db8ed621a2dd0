/** What the gateway's README shows to those who test: run as it stands there. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const readme = readFileSync(new URL('../../../apps/gateway/README.md', import.meta.url), 'utf8');
/** Where the packages of the examples are found. */
const cwd = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
const programs = [...readme.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, program]) => program);

it('runs the example for node:test', async () => {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', programs[0]], { cwd });
  expect(stdout).toMatch(/^# pass 1$/m);
}, 60_000);

it('runs the module that serves all files, and the process ends once it is over', async () => {
  const use = `
    const end = await setup();
    const { Redis } = await import('ioredis');
    const redis = new Redis(process.env.REDIS_URL);
    console.log(await redis.ping());
    await redis.quit();
    await end();
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', programs[1] + use], { cwd });
  expect(stdout).toBe('PONG\n');
}, 60_000);

it('prints where the program listens, by the flags that are named', async () => {
  const [, flags] = /npx holdfast (.+)/.exec(readme)!;
  const main = fileURLToPath(new URL('../../../apps/gateway/dist/main.js', import.meta.url));
  const script = `
    const child = require('child_process').spawn(process.execPath, ['${main}', ...'${flags}'.split(' ')]);
    child.stdout.once('data', (line) => { console.log(String(line)); child.kill(); });
  `;
  const { stdout } = await run(process.execPath, ['-e', script]);
  expect(JSON.parse(stdout)).toMatchObject({ ready: true, grpc: null, http: null });
}, 60_000);
