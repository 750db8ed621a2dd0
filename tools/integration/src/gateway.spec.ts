/** The process as an operator sees it: settings, ready line, exit codes, what is said when it can't start. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type GatewaySettings,
  redisAddress,
  ServerProcess,
  spawnGateway,
  temporaryDirectory,
} from './server.js';
import { WireClient } from './wire-client.js';

interface Ready {
  readonly ready: true;
  readonly pid: number;
  readonly redis: string | null;
  readonly unix: string | null;
  readonly grpc: string | null;
  readonly http: string | null;
}

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const started: ServerProcess[] = [];

beforeEach(async () => {
  directory = await temporaryDirectory();
});

afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.kill();
  await directory.remove();
});

function spawn(settings: GatewaySettings): ServerProcess {
  const gateway = spawnGateway({ dir: join(directory.path, 'data'), ...settings });
  started.push(gateway);
  return gateway;
}

async function readyOf(gateway: ServerProcess): Promise<Ready> {
  return JSON.parse(await gateway.readyLine()) as Ready;
}

/** The log on stderr: one object a line. */
function logOf(gateway: ServerProcess): { level: number; msg: string }[] {
  return gateway.stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { level: number; msg: string });
}

it('says where it serves in one line, logs in JSON, and ends with 0', async () => {
  const gateway = spawn({ 'log-level': 'info' });
  const ready = await readyOf(gateway);
  expect(ready).toMatchObject({ ready: true, pid: gateway.pid, unix: null });
  for (const address of [ready.redis, ready.grpc, ready.http])
    expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  expect(await gateway.stop()).toBe(0);
  expect(logOf(gateway).map(({ msg }) => msg)).toEqual(['ready', 'ending', 'ended']);
});

it('serves nothing that is off', async () => {
  const ready = await readyOf(spawn({ 'grpc-port': '-1', 'http-port': '-1' }));
  expect(ready).toMatchObject({ grpc: null, http: null });
});

it('answers what it has read before it ends', async () => {
  const gateway = spawn({ log: 'file', fsync: 'always' });
  const client = await WireClient.connect(await redisAddress(gateway));
  await client.call('PING');
  const replies = client.pipeline(Array.from({ length: 1000 }, () => ['INCR', 'n']));
  await replies[0];
  const exit = gateway.stop();
  const answered = await Promise.allSettled(replies);
  const last = answered.filter(({ status }) => status === 'fulfilled').length;
  expect(await exit).toBe(0);
  const again = spawn({ log: 'file', fsync: 'always' });
  const reader = await WireClient.connect(await redisAddress(again));
  expect(Number((await reader.call('GET', 'n')).text)).toBeGreaterThanOrEqual(last);
});

it.each(['memory', 'level'])('refuses a second process on the directory of %s storage', async (storage) => {
  const first = spawn({ storage, log: 'file' });
  await first.readyLine();
  const second = spawn({ storage, log: 'file' });
  expect(await second.exited).toBe(1);
  const [{ level, msg }] = logOf(second);
  expect(level).toBe(60);
  expect(msg).toBe(
    `${join(directory.path, 'data')} is in use by process ${first.pid}: stop it first, or choose another directory`,
  );
});

it('refuses a directory of another storage', async () => {
  const first = spawn({ storage: 'memory', log: 'file' });
  await first.readyLine();
  expect(await first.stop()).toBe(0);
  const second = spawn({ storage: 'level', log: 'file' });
  expect(await second.exited).toBe(1);
  expect(second.stderr).toContain('holds data of --storage memory, not level');
});

it('names the address that is taken', async () => {
  const { redis } = await readyOf(spawn({}));
  const port = redis!.split(':')[1];
  const second = spawn({ 'redis-port': port });
  expect(await second.exited).toBe(1);
  expect(logOf(second).map(({ msg }) => msg)).toEqual([
    `listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
  ]);
});

it('ends with 2 when a setting is wrong', async () => {
  const gateway = spawn({ maxclients: 'many' });
  expect(await gateway.exited).toBe(2);
  expect(gateway.stderr).toBe("maxclients is 'many': argument couldn't be parsed into an integer\n");
});

it('takes its settings from a file, which flags overrule', async () => {
  const config = join(directory.path, 'holdfast.conf');
  writeFileSync(config, 'maxclients 7\ntimeout 100\n');
  const client = await WireClient.connect(await redisAddress(spawn({ config, timeout: '200' })));
  expect((await client.call('CONFIG', 'GET', 'maxclients')).items![1].text).toBe('7');
  expect((await client.call('CONFIG', 'GET', 'timeout')).items![1].text).toBe('200');
});

it('starts with the redis.conf of a distribution, and says what of it has no effect', async () => {
  const config = join(directory.path, 'redis.conf');
  const lines = [
    'bind 127.0.0.1 -127.0.0.2',
    'port 0',
    `dir ${join(directory.path, 'data')}`,
    `unixsocket ${join(directory.path, 'socket')}`,
    'unixsocketperm 700',
    'daemonize yes',
    'logfile ""',
    'save 900 1',
    'save 300 10',
    'client-output-buffer-limit replica 256mb 64mb 60',
    'client-output-buffer-limit pubsub 32mb 8mb 60',
  ];
  writeFileSync(config, lines.join('\n'));
  const gateway = spawnGateway({ config, 'redis-port': '0' });
  started.push(gateway);
  const { http, redis, unix } = await readyOf(gateway);
  expect(logOf(gateway)).toMatchObject([{ level: 40, parameters: ['daemonize'] }]);
  const client = await WireClient.connect({ path: unix! });
  expect((await client.call('CONFIG', 'GET', 'save')).items![1].text).toBe('900 1 300 10');
  const port = Number(redis!.split(':')[1]);
  const other = await WireClient.connect({ host: '127.0.0.2', port });
  expect((await other.call('PING')).text).toBe('PONG');
  const httpPort = http!.split(':')[1];
  expect((await fetch(`http://127.0.0.2:${httpPort}/healthz`)).status).toBe(200);
});

it('serves a unix socket, also where a killed server left one', async () => {
  const path = join(directory.path, 'socket');
  const settings = { 'redis-port': '-1', 'unix-socket': path };
  const first = spawn(settings);
  expect(await readyOf(first)).toMatchObject({ redis: null, unix: path });
  await first.kill();
  expect(existsSync(path)).toBe(true);
  const second = spawn(settings);
  await second.readyLine();
  const client = await WireClient.connect({ path });
  expect((await client.call('CLIENT', 'INFO')).text).toContain(` addr=${path}:0 laddr=${path}:0 `);
  expect(await second.stop()).toBe(0);
  expect(existsSync(path)).toBe(false);
});

it('ends when it is told to before it serves, as the first process of a container too', async () => {
  const gateway = spawn({ mode: 'cluster', etcd: '127.0.0.1:1' });
  await expect.poll(() => gateway.stderr, { timeout: 20_000 }).toContain('waits for etcd');
  // By its own handler: there, a signal without one is not heard.
  expect(await gateway.stop()).toBe(0);
}, 30_000);

it('shows health and metrics over HTTP', async () => {
  const gateway = spawn({});
  const { http, redis } = await readyOf(gateway);
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://${http}${path}`);
    return [response.status, await response.text()];
  };
  expect(await get('/healthz')).toEqual([200, 'ok\n']);
  expect(await get('/readyz')).toEqual([200, 'ok\n']);
  expect((await get('/nothing'))[0]).toBe(404);
  expect((await fetch(`http://${http}/metrics`, { method: 'POST' })).status).toBe(405);
  const client = await WireClient.connect({ host: '127.0.0.1', port: Number(redis!.split(':')[1]) });
  await client.call('SET', 'k', 'v');
  await client.call('GET', 'k');
  await client.call('GET', 'none');
  const [status, metrics] = await get('/metrics');
  expect(status).toBe(200);
  for (const line of [
    'holdfast_clients 1',
    'holdfast_commands_total 3',
    'holdfast_keyspace_hits_total 1',
    'holdfast_keyspace_misses_total 1',
    'holdfast_keys{database="0"} 1',
  ]) {
    expect(metrics.split('\n')).toContain(line);
  }
  expect(metrics).toMatch(/^process_resident_memory_bytes \d+/m);
  expect(metrics).toMatch(/^nodejs_eventloop_lag_seconds /m);
});

it('is ended by the signal that `npm start` gets', async () => {
  const args = ['start', '--', '--redis-port', '0', '--grpc-port', '0', '--http-port', '0'];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|HOLDFAST_)/.test(name)),
  );
  const npm = new ServerProcess('npm', args, env, fileURLToPath(new URL('../../../', import.meta.url)));
  started.push(npm);
  const { pid } = await readyOf(npm);
  expect(await npm.stop()).toBe(0);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
}, 300_000);
