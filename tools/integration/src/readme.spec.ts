/** What the workspace's README shows, as it stands there but for the ports: each command is run, each program too. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { reflectedClient } from '@holdfast/rpc/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ServerProcess, spawnGateway } from './server.js';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
/** Where the packages of the examples are found. */
const cwd = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

interface Ready {
  readonly redis: string;
  readonly grpc: string;
}

let gateway: ServerProcess;
let ready: Ready;
/** The README with the ports of the server that runs here. */
let text: string;

const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);

beforeAll(async () => {
  gateway = spawnGateway();
  ready = JSON.parse(await gateway.readyLine()) as Ready;
  text = readme.replaceAll('6379', portOf(ready.redis)).replaceAll('7379', portOf(ready.grpc));
}, 60_000);

afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
}, 60_000);

/** `$ command` lines, indented, each with the lines of output below it. */
function shellExamples(): { command: string[]; output: string }[] {
  const examples = [...text.matchAll(/^ {4}\$ (.+)\n((?: {4}(?!\$).*\n)*)/gm)];
  return examples.map(([, command, output]) => ({
    command: command.split(' '),
    output: output.replace(/^ {4}/gm, ''),
  }));
}

it('shows the line that the server prints', () => {
  const line = JSON.parse(/^ {4}(\{"ready".*\})$/m.exec(readme)![1]) as object;
  expect(Object.keys(line)).toEqual(Object.keys(ready));
});

it('sets with redis-cli, and reads with ioredis, our client and one of reflection, and from a server of its own', async () => {
  const examples = shellExamples();
  expect(examples.length).toBeGreaterThan(1);
  for (const { command, output } of examples) {
    const [program, ...args] = command;
    const { stdout } = await run(program, ['--no-raw', ...args]);
    expect(stdout, command.join(' ')).toBe(output);
  }
  const programs = [...text.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, program]) => program);
  const printed: string[] = [];
  for (const program of programs) {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd });
    printed.push(stdout);
  }
  expect(printed).toEqual(['hello\n', expect.stringMatching(/^hello \d{10,}\n$/), 'hello\n']);
  const [, body, address, service, method] = /grpcurl -plaintext -d '(.+)' (\S+) (\S+)\/(\w+)`/.exec(text)!;
  const client = await reflectedClient(address, service);
  expect(await client.unary(method, JSON.parse(body) as object)).toMatchObject({
    value: Buffer.from('hello'),
  });
  client.close();
}, 120_000);

it('names scripts that exist', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [, name] of readme.matchAll(/npm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(name);
});
