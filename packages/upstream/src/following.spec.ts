/** Against a toy upstream that sends what a test tells it to: see the integration specs for a real one. */
import { createServer, type Server, type Socket } from 'node:net';
import { ErrorReply, systemEnv } from '@holdfast/common';
import { Caller, type LocalStack, openLocalStack, Turns } from '@holdfast/coord';
import { RdbFileWriter } from '@holdfast/storage';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RedisUpstream } from './redis-upstream.js';

const isStale = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
const isReadOnly = "READONLY You can't write against a read only replica.";
const notAStaleReader = 'ERR Can not execute the command on a stale replica';

let stack: LocalStack;
let upstream: RedisUpstream;
let server: Server;
/** What upstream sends for each connection's PSYNC, in turn; then it hangs up, but after the last. */
let scripts: Buffer[];
let notes: string[];

function frame(...args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}

/** Everything, which is nothing, and then writes. */
function fullSync(offset: number, ...writes: string[]): Buffer {
  const writer = new RdbFileWriter();
  const file = Buffer.concat([Buffer.from(writer.head({})), writer.end()]);
  const head = `+FULLRESYNC ${'a'.repeat(40)} ${offset}\r\n$${file.length}\r\n`;
  return Buffer.concat([Buffer.from(head), file, Buffer.from(writes.join(''))]);
}

function answer(socket: Socket): void {
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    for (const [, command] of bytes.toString('latin1').matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
      if (command !== 'PSYNC') {
        if (!bytes.includes('ACK')) socket.write('+OK\r\n');
        continue;
      }
      socket.write(scripts.shift()!);
      if (scripts.length > 0) setTimeout(() => socket.destroy(), 50);
    }
  });
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

beforeEach(async () => {
  const env = systemEnv();
  stack = await openLocalStack({ env, storage: 'memory', log: 'none', fsync: 'no' });
  const { config, coordinator } = stack;
  notes = [];
  upstream = new RedisUpstream({ coordinator, config, env, onLog: (_, note) => void notes.push(note) });
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  upstream.leave();
  server.close();
  await stack.close();
});

function follow(): void {
  upstream.follow('127.0.0.1', (server.address() as { port: number }).port);
}

it('a transaction that a link broke in is no part of what is taken anew', async () => {
  scripts = [
    fullSync(0, frame('SELECT', '0'), frame('MULTI'), frame('SET', 'half', 'done')),
    fullSync(500, frame('SELECT', '0'), frame('SET', 'k', 'v')),
  ];
  follow();
  await until(() => upstream.status!.offset > 500);
  expect(stack.storage.keyCount(0)).toBe(1);
});

it('ends with a write of a transaction that is not taken here', async () => {
  scripts = [
    fullSync(
      0,
      frame('SELECT', '0'),
      frame('MULTI'),
      frame('SET', 'k', 'v'),
      frame('INCR', 'k'),
      frame('EXEC'),
    ),
  ];
  follow();
  await until(() => upstream.status!.state === 'stopped');
  expect(upstream.status!.problem).toContain('EXEC is not taken here: ERR value is not an integer');
});

it('waits while the disk takes no writes, and goes on where it was: it ended for good', async () => {
  let isFull = true;
  const why = 'MISCONF Errors writing to the log: no space left on device';
  Object.defineProperty(stack.coordinator.state.committer, 'refusal', {
    get: () => (isFull && stack.storage.keyCount(0) === 1 ? why : null),
  });
  const writes = [frame('SET', 'a', '1'), frame('MULTI'), frame('SET', 'b', '2'), frame('EXEC')];
  scripts = [fullSync(0, frame('SELECT', '0'), ...writes)];
  follow();
  await until(() => notes.some((note) => note.includes(`waits for the disk: ${why}`)));
  expect(upstream.status!.state).toBe('connected');
  expect(stack.storage.keyCount(0)).toBe(1);
  isFull = false;
  await until(() => stack.storage.keyCount(0) === 2);
  expect(upstream.status!.problem).toBe('');
});

it('is left while it waits for the disk', async () => {
  Object.defineProperty(stack.coordinator.state.committer, 'refusal', { value: 'MISCONF full' });
  scripts = [fullSync(0)];
  follow();
  await until(() => notes.length > 1);
  upstream.leave();
  expect(upstream.status).toBeNull();
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(notes.at(-1)).toContain('waits for the disk');
});

/** A client of the server, which knows of its upstream. */
function client(): Caller {
  const { coordinator } = stack;
  coordinator.state.upstream = upstream;
  const turns = new Turns(coordinator, systemEnv().timers);
  return Caller.open(coordinator, turns, { protocol: 'embedded', address: '', localAddress: '' })!;
}

it('REPLICAOF does not look for a host whose name is longer than any', async () => {
  const caller = client();
  const { value } = await caller.run(['REPLICAOF', Buffer.alloc(1026, 0xff), '6379']);
  expect(value).toEqual(new ErrorReply('ERR Invalid master host'));
  expect(upstream.status).toBeNull();
  await caller.run(['REPLICAOF', Buffer.alloc(1025, 'h'), '6379']);
  expect(upstream.status?.host).toHaveLength(1025);
  caller.close();
});

it.each([
  ["return redis.call('GET', 'k')", isStale],
  ["#!lua flags=no-writes\nreturn redis.call('GET', 'k')", isStale],
  ["#!lua flags=allow-stale\nreturn redis.call('GET', 'k')", isReadOnly],
  ["#!lua flags=no-writes,allow-stale\nreturn redis.pcall('GET', 'k')", notAStaleReader],
  ['#!lua flags=no-writes,allow-stale\nreturn 1', 1],
])('without a link, and no stale data to be served, EVAL %j gives %s', async (script, expected) => {
  upstream.follow('127.0.0.1', 1);
  const caller = client();
  await caller.run(['CONFIG', 'SET', 'replica-serve-stale-data', 'no']);
  const { value } = await caller.run(['EVAL', script, '0']);
  expect(value).toEqual(typeof expected === 'number' ? expected : new ErrorReply(expected));
  caller.close();
});

it('a write that is refused is so because it is a write, rather than because data is old', async () => {
  upstream.follow('127.0.0.1', 1);
  const caller = client();
  await caller.run(['CONFIG', 'SET', 'replica-serve-stale-data', 'no']);
  expect((await caller.run(['SET', 'k', 'v'])).value).toEqual(new ErrorReply(isReadOnly));
  expect((await caller.run(['GET', 'k'])).value).toEqual(new ErrorReply(isStale));
  caller.close();
});
