/** The client package as a program uses it: its README's example, and a process that has nothing else to do. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { spawnGateway } from './server.js';

const readme = readFileSync(new URL('../../../packages/client/README.md', import.meta.url), 'utf8');
/** Where the packages of the examples are found. */
const cwd = fileURLToPath(new URL('..', import.meta.url));

async function outputOf(program: string): Promise<string> {
  const args = ['--input-type=module', '-e', program];
  return (await promisify(execFile)(process.execPath, args, { cwd })).stdout;
}

it("runs the README's example as it stands there, but for the port", async () => {
  const gateway = spawnGateway();
  const { grpc } = JSON.parse(await gateway.readyLine()) as { grpc: string };
  const [, program] = /^```js\n([\s\S]*?)^```/m.exec(readme)!;
  const output = await outputOf(program.replace('localhost:7379', grpc));
  expect(output).toBe('Ada true\nsomebody was faster\nuser:1 Grace\n');
  expect(await gateway.stop()).toBe(0);
}, 60_000);

it('keeps a program that waits in an embedded store, which ended without a word', async () => {
  const output = await outputOf(`
    const { open } = await import('@holdfast/client/embedded');
    const store = await open();
    console.log(await store.execute(['BLPOP', 'list', '0.2']));
    await store.put('k', 'v', { ttlMs: 60_000 });
    console.log((await store.get('k')).value.toString());
  `);
  expect(output).toBe('null\nv\n');
}, 60_000);
