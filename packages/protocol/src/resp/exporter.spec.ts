import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvError, systemEnv } from '@holdfast/common';
import { ToyCoordinator } from '@holdfast/coord/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { Settings } from '../settings.js';
import { encodeRequest } from '../testing/index.js';
import { RedisExporter } from './exporter.js';
import { inlineBytesMax } from './limits.js';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The parameters that an exporter reads, and what follows their changes. */
class TestSettings implements Settings {
  readonly #values: Record<string, string> = {
    'proto-max-bulk-len': '536870912',
    'client-query-buffer-limit': '1073741824',
    'client-output-buffer-limit': 'normal 0 0 0 slave 0 0 0 pubsub 0 0 0',
    'tcp-backlog': '511',
    'tcp-keepalive': '300',
    timeout: '0',
  };
  readonly #listeners: [string, (value: string) => void][] = [];

  number(name: string): number {
    return Number(this.#values[name]);
  }

  text(name: string): string {
    return this.#values[name];
  }

  onChange(name: string, listener: (value: string) => void): void {
    this.#listeners.push([name, listener]);
    listener(this.#values[name]);
  }

  set(name: string, value: string): void {
    this.#values[name] = value;
    for (const [each, listener] of this.#listeners) if (each === name) listener(value);
  }
}

class Client {
  /** What was received, as a byte string. */
  received = '';
  isClosed = false;
  readonly socket: Socket;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async open(where: number | string): Promise<Client> {
    const socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where);
    const client = new Client(socket);
    closing.push(() => socket.destroy());
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    return client;
  }

  /** Inline commands, each a line. */
  send(...lines: string[]): void {
    this.socket.write(lines.map((line) => `${line}\r\n`).join(''));
  }

  /** Waits until exactly this was received since the last call. */
  async expect(text: string): Promise<void> {
    await expect.poll(() => this.received.length >= text.length, patience).toBe(true);
    expect(this.received).toBe(text);
    this.received = '';
  }

  async closed(): Promise<void> {
    await expect.poll(() => this.isClosed, patience).toBe(true);
  }
}

const patience = { interval: 5, timeout: 5000 };

async function serve({ plainReads = false, outputBytesMax = 2 ** 31 } = {}) {
  const coordinator = new ToyCoordinator();
  const settings = new TestSettings();
  const env = systemEnv();
  const exporter = new RedisExporter({ coordinator, env, config: settings, plainReads, outputBytesMax });
  closing.push(() => exporter.close());
  const port = await exporter.listen(0, '127.0.0.1');
  return { coordinator, settings, exporter, port, open: () => Client.open(port) };
}

/** A turn of the server has passed: what another client asked for is answered. */
async function turn(server: { open(): Promise<Client> }): Promise<void> {
  const other = await server.open();
  other.send('ECHO turn');
  await other.expect('$4\r\nturn\r\n');
  other.socket.destroy();
}

describe.each([
  ['the shared buffer', false],
  ['data events', true],
])('RedisExporter, reading by %s', (_name, plainReads) => {
  it('answers in order, at any depth of a pipeline', async () => {
    const server = await serve({ plainReads });
    const client = await server.open();
    const count = 20_000;
    client.socket.write(Buffer.concat(Array.from({ length: count }, (_, i) => encodeRequest(['ECHO', i]))));
    await client.expect(Array.from({ length: count }, (_, i) => `$${String(i).length}\r\n${i}\r\n`).join(''));
  });

  it('answers what is sent byte by byte, and in lines', async () => {
    const server = await serve({ plainReads });
    const client = await server.open();
    client.socket.setNoDelay(true);
    for (const byte of encodeRequest(['ECHO', 'a\r\nb'])) {
      client.socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.expect('$4\r\na\r\nb\r\n');
    client.send('ECHO "x y"', 'NOPE');
    await client.expect('$3\r\nx y\r\n-ERR unknown command\r\n');
  });

  it('answers what was sent before the client closed its side', async () => {
    const server = await serve({ plainReads });
    const client = await server.open();
    client.socket.end('WRITE\r\nECHO a\r\n');
    await turn(server);
    expect(client.received).toBe('');
    server.coordinator.commit();
    await client.expect(':1\r\n$1\r\na\r\n');
    await client.closed();
    // The server learns of the end of either connection in a turn of its own, after the client may have seen it.
    await expect.poll(() => server.coordinator.sessions, patience).toEqual([]);
  });

  it('answers who closed its side and waits for no other client: what it had sent behind was dropped', async () => {
    const server = await serve({ plainReads });
    const [client, waiting] = [await server.open(), await server.open()];
    waiting.socket.end('WAIT\r\nECHO a\r\n');
    client.socket.end('SOON\r\nECHO a\r\n');
    await waiting.closed();
    await turn(server);
    server.coordinator.release();
    await client.expect('+released\r\n$1\r\na\r\n');
    await client.closed();
    expect(waiting.received).toBe('');
  });

  it('sends what was committed when another one leads, then an error, and ends', async () => {
    const server = await serve({ plainReads });
    const { coordinator } = server;
    const clients = [await server.open(), await server.open(), await server.open()];
    clients[0].send('WRITE', 'ECHO a');
    await turn(server);
    clients[0].send('WRITE', 'ECHO b');
    clients[1].send('ECHO c');
    await clients[1].expect('$1\r\nc\r\n');
    await turn(server);
    clients[2].send('WRITE');
    await turn(server);
    coordinator.committedVersion = 1;
    coordinator.revoke(2);
    await clients[0].closed();
    expect(clients[0].received).toMatch(/^:1\r\n\$1\r\na\r\n-UNDETERMINED [^\r]*\r\n$/);
    await clients[2].closed();
    expect(clients[2].received).toMatch(/^-TRYAGAIN [^\r]*\r\n$/);
    clients[1].send('ECHO d');
    await clients[1].expect('$1\r\nd\r\n');
  });

  it('sends all replies of a turn at once, after one settlement', async () => {
    const server = await serve({ plainReads });
    const client = await server.open();
    await turn(server);
    const before = server.coordinator.settled;
    client.send(...Array.from({ length: 50 }, () => 'ECHO a'));
    await client.expect('$1\r\na\r\n'.repeat(50));
    expect(server.coordinator.settled).toBe(before + 1);
  });
});

describe('replies', () => {
  it('leave once the version they depend on is committed, and not before', async () => {
    const server = await serve();
    const client = await server.open();
    client.send('ECHO a', 'WRITE');
    await turn(server);
    client.send('ECHO b', 'WRITE');
    await turn(server);
    expect(client.received).toBe('');
    server.coordinator.commit(1);
    await client.expect('$1\r\na\r\n:1\r\n');
    server.coordinator.commit(2);
    await client.expect('$1\r\nb\r\n:2\r\n');
  });

  it('to a client that waits come before those to what it sent meanwhile', async () => {
    const server = await serve();
    const client = await server.open();
    client.send('ECHO a', 'WAIT', 'ECHO b');
    await client.expect('$1\r\na\r\n');
    client.send('ECHO c');
    await turn(server);
    expect(client.received).toBe('');
    server.coordinator.release();
    await client.expect('+released\r\n$1\r\nb\r\n$1\r\nc\r\n');
  });

  it('that come later hold up no request, but the end of the connection', async () => {
    const server = await serve();
    const client = await server.open();
    client.socket.end('LATER\r\nLATER\r\n');
    await turn(server);
    expect(server.coordinator.sessions[0].totalCommands).toBe(2);
    expect([client.received, client.isClosed]).toEqual(['', false]);
    server.coordinator.answer();
    await client.expect('+later\r\n+later\r\n');
    await client.closed();
  });

  it('that come later come before what is said of input that is no request', async () => {
    const server = await serve();
    const client = await server.open();
    client.socket.write('LATER\r\n*x\r\n');
    await turn(server);
    expect(client.received).toBe('');
    server.coordinator.answer();
    await client.expect('+later\r\n-ERR Protocol error: invalid multibulk length\r\n');
    await client.closed();
  });

  it('to what came before the end of the connection are sent', async () => {
    const server = await serve();
    const client = await server.open();
    client.send('ECHO a', 'QUIT', 'ECHO b');
    await client.expect('$1\r\na\r\n+OK\r\n');
    await client.closed();
  });

  it('are the last that is heard of a client: it was still counted when it had the reply to QUIT', async () => {
    const server = await serve();
    const client = await server.open();
    client.send('QUIT');
    const counted = await new Promise<number>((resolve) =>
      client.socket.once('data', () => resolve(server.coordinator.sessions.length)),
    );
    expect(counted).toBe(0);
  });
});

it('cuts off who asks for more than a buffer holds, and serves the others', async () => {
  const server = await serve({ outputBytesMax: 100_000 });
  const client = await server.open();
  client.send('ECHO a', 'FILL 99900');
  await expect.poll(() => client.received.length, patience).toBe(7 + 99_900 + 10);
  client.send('FILL 100001', 'ECHO b');
  await client.closed();
  expect(client.received.length).toBe(7 + 99_900 + 10);
  await turn(server);
});

describe('a client that does not read', () => {
  it('is not served further, until it reads', async () => {
    const server = await serve();
    const client = await server.open();
    client.socket.pause();
    const count = 300;
    client.send(...Array.from({ length: count }, () => 'FILL 100000'));
    await turn(server);
    const [session] = server.coordinator.sessions;
    await expect.poll(() => session.totalCommands, patience).toBeGreaterThan(10);
    await turn(server);
    expect(session.totalCommands).toBeLessThan(count);
    expect(session.sink.outputBytes).toBeLessThan(3_000_000);
    client.socket.resume();
    const whole = count * '$100000\r\n\r\n'.length + count * 100_000;
    await expect.poll(() => client.received.length, patience).toBe(whole);
    expect(session.totalCommands).toBe(count);
  });

  it('goes on when its replies left in small pieces, as they were committed', async () => {
    const server = await serve();
    const client = await server.open();
    const count = 150;
    // Each reply is a piece of its own, and small enough for the kernel to take at once.
    for (let i = 0; i < count; i++) {
      client.send('FILL 9000', 'WRITE');
      await turn(server);
    }
    client.send('ECHO end');
    await turn(server);
    const [session] = server.coordinator.sessions;
    expect(session.totalCommands).toBeLessThan(2 * count);
    for (let version = 1; version <= count; version++) {
      server.coordinator.commit(version);
      await turn(server);
    }
    await expect.poll(() => client.received.endsWith('end\r\n'), patience).toBe(true);
    expect(session.totalCommands).toBe(2 * count + 1);
  });

  it('is cut off within the command that publishes too much: all of that was kept for each subscriber', async () => {
    const server = await serve();
    server.settings.set('client-output-buffer-limit', 'normal 0 0 0 slave 0 0 0 pubsub 4000000 0 0');
    const client = await server.open();
    await turn(server);
    const [session] = server.coordinator.sessions;
    session.isSubscriber = true;
    const message = Buffer.alloc(1_000_000);
    let most = 0;
    for (let i = 0; i < 100; i++) {
      session.sink.reply.bulk(message, 0, message.length);
      session.sink.wake();
      most = Math.max(most, session.sink.outputBytes);
    }
    expect(most).toBeLessThan(4_000_000);
    await client.closed();
    expect(client.received).toBe('');
    await turn(server);
  });

  it('is cut off over the hard limit of its class', async () => {
    const server = await serve();
    server.settings.set('client-output-buffer-limit', 'normal 200000 0 0 slave 0 0 0 pubsub 0 0 0');
    const client = await server.open();
    client.socket.pause();
    client.send('FILL 9000000');
    client.socket.resume();
    await client.closed();
    expect(client.received.length).toBeLessThan(9_000_000);
  });

  it('is cut off after so long over the soft limit', async () => {
    const server = await serve();
    server.settings.set('client-output-buffer-limit', 'normal 0 200000 1 slave 0 0 0 pubsub 0 0 0');
    const client = await server.open();
    client.socket.pause();
    client.send('FILL 9000000');
    await expect.poll(() => server.exporter.connectionCount, { timeout: 8000 }).toBe(0);
  });
});

describe('limits', () => {
  it('of the length of an argument follow the configuration on open connections', async () => {
    const server = await serve();
    const client = await server.open();
    client.send('ECHO a');
    await client.expect('$1\r\na\r\n');
    server.settings.set('proto-max-bulk-len', '1000');
    client.socket.write(encodeRequest(['ECHO', 'x'.repeat(1000)]));
    await client.expect(`$1000\r\n${'x'.repeat(1000)}\r\n`);
    client.socket.write('*2\r\n$4\r\nECHO\r\n$1001\r\n');
    await client.expect('-ERR Protocol error: invalid bulk length\r\n');
    await client.closed();
  });

  it('of the query buffer end a connection without a word', async () => {
    const server = await serve();
    server.settings.set('client-query-buffer-limit', '100000');
    const client = await server.open();
    client.socket.write(`*2\r\n$4\r\nECHO\r\n$1000000\r\n${'x'.repeat(200_000)}`);
    await client.closed();
    expect(client.received).toBe('');
  });

  it('of the query buffer count arguments, which take more than their bytes', async () => {
    const server = await serve();
    server.settings.set('client-query-buffer-limit', '100000');
    const client = await server.open();
    client.socket.write(`*1000000\r\n${'$1\r\na\r\n'.repeat(1000)}`);
    await turn(server);
    client.socket.write('$');
    await client.closed();
    expect(client.received).toBe('');
  });

  it('of the query buffer make no room for long for an argument that does not come', async () => {
    const server = await serve();
    const client = await server.open();
    client.socket.write('*2\r\n$4\r\nECHO\r\n$1000000\r\nxx');
    const room = (): number => server.coordinator.sessions[0]?.sink.inputFreeBytes ?? 0;
    await expect.poll(room).toBeGreaterThan(990_000);
    await expect.poll(room, { timeout: 8000 }).toBe(0);
    client.socket.write(`${'x'.repeat(999_998)}\r\n`);
    await client.expect(`$1000000\r\n${'x'.repeat(1_000_000)}\r\n`);
  });

  it('of the query buffer count what is queued in a transaction', async () => {
    const server = await serve();
    server.settings.set('client-query-buffer-limit', '100000');
    const client = await server.open();
    await turn(server);
    server.coordinator.sessions[0].transaction = {
      queue: [],
      failed: false,
      isWrite: false,
      mayReplicate: false,
      bytes: 100_001,
    };
    client.send('ECHO a');
    await client.closed();
    expect(client.received).toBe('');
  });

  it('of clients are said to those who come too many', async () => {
    const server = await serve();
    server.coordinator.sessionsMax = 1;
    const first = await server.open();
    first.send('ECHO a');
    await first.expect('$1\r\na\r\n');
    const second = await server.open();
    await second.expect('-ERR max number of clients reached\r\n');
    await second.closed();
    first.send('ECHO b');
    await first.expect('$1\r\nb\r\n');
    server.coordinator.refusal = new KvError('DENIED', 'not from there');
    await (await server.open()).expect('-DENIED not from there\r\n');
  });

  it('of an idle client end it, but not one that waits', async () => {
    const server = await serve();
    const idle = await server.open();
    const waiting = await server.open();
    waiting.send('WAIT');
    await turn(server);
    server.settings.set('timeout', '1');
    await idle.closed();
    expect(waiting.isClosed).toBe(false);
  });
});

describe('input that is no request', () => {
  it.each([
    ['*1\r\n!', "-ERR Protocol error: expected '$', got '!'\r\n"],
    ['*x\r\n', '-ERR Protocol error: invalid multibulk length\r\n'],
    ['ECHO "\r\n', '-ERR Protocol error: unbalanced quotes in request\r\n'],
    [`ECHO ${'x'.repeat(3 * inlineBytesMax)}`, '-ERR Protocol error: too big inline request\r\n'],
    ['POST / HTTP/1.1\r\nHost: here\r\n', '-ERR Protocol error: HTTP is not served here\r\n'],
  ])('ends its own connection and nothing else: %j', async (input, error) => {
    const server = await serve();
    const other = await server.open();
    const client = await server.open();
    client.socket.write(`ECHO a\r\n${input}ECHO b\r\n`);
    await client.expect(`$1\r\na\r\n${error}`);
    await client.closed();
    other.send('ECHO c');
    await other.expect('$1\r\nc\r\n');
  });
});

it('serves a unix socket, and says where clients come from', async () => {
  const server = await serve();
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-resp-'));
  closing.push(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'socket');
  await server.exporter.listenUnix(path);
  const client = await Client.open(path);
  client.send('ECHO a');
  await client.expect('$1\r\na\r\n');
  const { address, localAddress } = server.coordinator.sessions[0];
  expect([address, localAddress]).toEqual([`${path}:0`, `${path}:0`]);
  await server.exporter.close();
  expect(existsSync(path)).toBe(false);
});

it('sends what is pending before it closes, and accepts nobody any more', async () => {
  const server = await serve();
  const client = await server.open();
  client.send('FILL 500000');
  await expect.poll(() => server.coordinator.sessions[0]?.totalCommands, patience).toBe(1);
  await server.exporter.close();
  await client.closed();
  expect(client.received.length).toBe(500_011);
  const late = connect(server.port, '127.0.0.1');
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => late.once('error', resolve));
  expect(error.code).toBe('ECONNREFUSED');
});

it('answers what crosses its end, and ends each connection behind that', async () => {
  const server = await serve();
  const [idle, busy, queuing] = [await server.open(), await server.open(), await server.open()];
  for (const client of [idle, busy, queuing]) {
    client.send('ECHO a');
    await client.expect('$1\r\na\r\n');
  }
  const [, , session] = server.coordinator.sessions;
  session.transaction = { queue: [], failed: false, isWrite: false, mayReplicate: false, bytes: 0 };
  const closed = server.exporter.close();
  busy.send('ECHO b');
  await busy.expect('$1\r\nb\r\n');
  await busy.closed();
  queuing.send('ECHO c');
  await queuing.expect('$1\r\nc\r\n');
  session.transaction = null;
  queuing.send('ECHO d');
  await queuing.expect('$1\r\nd\r\n');
  await closed;
  await idle.closed();
  expect(idle.received).toBe('');
});
