/** socket.io over two servers: rooms and broadcasts by pub/sub, sharded pub/sub, or a stream. */
import { createServer, type Server as WebServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { Server, type ServerOptions } from 'socket.io';
import { io as connect, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from './gateway.js';
import { pause, until } from './waiting.js';

type Adapter = ServerOptions['adapter'];

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.process.kill());

/** Clients of Redis that were opened for adapters. */
const redisClients: { close(): unknown }[] = [];

function ioredis(): Redis {
  const client = new Redis(gateway.url);
  client.on('error', () => {});
  // An adapter that closes waits for none of its commands: a connection that ended before them would reject them.
  redisClients.push({ close: () => client.quit() });
  return client;
}

async function nodeRedis() {
  const client = createClient({ url: gateway.url });
  client.on('error', () => {});
  redisClients.push(client);
  return client.connect();
}

const adapters: Readonly<Record<string, () => Promise<Adapter>>> = {
  'pub/sub of ioredis': async () => createAdapter(ioredis(), ioredis()),
  'pub/sub of node-redis': async () => createAdapter(await nodeRedis(), await nodeRedis()),
  'sharded pub/sub of node-redis': async () => createShardedAdapter(await nodeRedis(), await nodeRedis()),
  'a stream of ioredis': async () => createStreamsAdapter(ioredis()),
  'a stream of node-redis': async () => createStreamsAdapter(await nodeRedis()),
};

describe.each(Object.keys(adapters))('over %s', (name) => {
  let servers: { io: Server; web: WebServer }[];
  let sockets: Socket[];

  beforeEach(async () => {
    await ioredis().flushall();
    sockets = [];
    servers = [];
    for (let i = 0; i < 2; i++) {
      const web = createServer();
      const io = new Server(web, { adapter: await adapters[name]() });
      io.on('connection', (socket) => {
        socket.on('join', async (room: string, done: () => void) => {
          await socket.join(room);
          done();
        });
        socket.on('double', (n: number, answer: (n: number) => void) => answer(2 * n));
      });
      await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
      servers.push({ io, web });
    }
    // Each has heard of the other.
    await until('two servers', async () => {
      const counts = await Promise.all(servers.map(({ io }) => io.of('/').adapter.serverCount()));
      return counts.every((count) => count === 2);
    });
  });

  afterEach(async () => {
    for (const socket of sockets) socket.disconnect();
    await Promise.all(servers.map(({ io }) => io.close()));
    for (const client of redisClients.splice(0)) await client.close();
  });

  /** A user at one of the servers, in some rooms, and what it hears. */
  async function join(server: number, ...rooms: string[]): Promise<{ socket: Socket; heard: unknown[] }> {
    const { port } = servers[server].web.address() as AddressInfo;
    const socket = connect(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true });
    sockets.push(socket);
    const heard: unknown[] = [];
    socket.on('news', (...args: unknown[]) => heard.push(...args));
    socket.on('question', (answer: (text: string) => void) => answer(socket.id!));
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    for (const room of rooms) await socket.emitWithAck('join', room);
    return { socket, heard };
  }

  it('reaches everybody, everybody in a room, and everybody else', async () => {
    const [anna, bert, cleo] = await Promise.all([join(0, 'red'), join(1, 'red'), join(1, 'blue')]);
    servers[0].io.emit('news', 'all');
    servers[0].io.to('red').emit('news', 'red');
    servers[1].io.to('blue').emit('news', 'blue');
    servers[1].io.except('red').emit('news', 'not red');
    servers[0].io.to(bert.socket.id!).emit('news', Buffer.from([0, 255]));
    const wanted = [
      ['all', 'red'],
      ['all', 'red', Buffer.from([0, 255])],
      ['all', 'blue', 'not red'],
    ];
    await until('they heard it', () =>
      [anna, bert, cleo].every(({ heard }, i) => heard.length >= wanted[i].length),
    );
    await pause(30);
    // Two servers speak at once: their order is not fixed.
    const sorted = (heard: unknown[]) => heard.map(String).sort();
    expect([anna, bert, cleo].map(({ heard }) => sorted(heard))).toEqual(wanted.map(sorted));
  });

  it('collects answers from the users of both servers', async () => {
    const users = await Promise.all([join(0, 'r'), join(1, 'r'), join(1)]);
    const answers = await servers[0].io.to('r').timeout(5000).emitWithAck('question');
    expect(answers.sort()).toEqual([users[0].socket.id, users[1].socket.id].sort());
  });

  it('sees, moves and dismisses the users of the other server', async () => {
    const { socket } = await join(1, 'red');
    const found = await servers[0].io.in('red').fetchSockets();
    expect(found.map(({ id }) => id)).toEqual([socket.id]);
    servers[0].io.in('red').socketsJoin('blue');
    await until('it is moved', async () => (await servers[0].io.in('blue').fetchSockets()).length === 1);
    servers[0].io.in('blue').disconnectSockets(true);
    await until('it is gone', () => !socket.connected);
    expect(await servers[0].io.fetchSockets()).toEqual([]);
  });

  it('lets servers talk to each other', async () => {
    const heard: unknown[] = [];
    servers[1].io.on('hello', (text: string, answer: (text: string) => void) => {
      heard.push(text);
      answer('and to you');
    });
    const answers = await servers[0].io.serverSideEmitWithAck('hello', 'good day');
    expect(heard).toEqual(['good day']);
    expect(answers).toEqual(['and to you']);
  });
});

it('gives a user back what was missed, from the stream', async () => {
  await ioredis().flushall();
  const web = createServer();
  const io = new Server(web, {
    adapter: createStreamsAdapter(ioredis()),
    connectionStateRecovery: { maxDisconnectionDuration: 5000 },
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  io.on('connection', (socket) => socket.join('room'));
  const { port } = web.address() as AddressInfo;
  const socket = connect(`http://127.0.0.1:${port}`, { transports: ['websocket'], reconnectionDelay: 200 });
  const heard: string[] = [];
  socket.on('news', (text: string) => heard.push(text));
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  io.to('room').emit('news', 'first');
  await until('it is heard', () => heard.length === 1);
  socket.io.engine.close();
  await until('it is away', () => !socket.connected);
  await until('it is missed', async () => (await io.fetchSockets()).length === 0);
  io.to('room').emit('news', 'second');
  await until('it is back', () => socket.connected);
  await until('it is told', () => heard.length === 2);
  expect(socket.recovered).toBe(true);
  expect(heard).toEqual(['first', 'second']);
  socket.disconnect();
  await io.close();
  for (const client of redisClients.splice(0)) await client.close();
});
