import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { startServer } from './server.js';

/** A connection to a server, whose replies are a line each. */
class Line {
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  #received = '';
  #onData = (): void => {};

  constructor(port: number, host = '127.0.0.1') {
    this.#socket = connect({ port, host }).setEncoding('latin1');
    this.ended = new Promise((resolve) => void this.#socket.once('close', () => resolve()));
    this.#socket.on('data', (text: string) => {
      this.#received += text;
      this.#onData();
    });
    this.#socket.on('error', () => {});
  }

  send(command: string): void {
    this.#socket.write(`${command}\r\n`);
  }

  /** The next line that comes. */
  async reply(command: string): Promise<string> {
    this.send(command);
    while (!this.#received.includes('\r\n')) {
      await new Promise<void>((resolve) => {
        this.#onData = resolve;
      });
    }
    const [line] = this.#received.split('\r\n', 1);
    this.#received = this.#received.slice(line.length + 2);
    return line;
  }

  end(): void {
    this.#socket.destroy();
  }
}

it('serves Redis on a free port, with data of its own', async () => {
  const [a, b] = await Promise.all([startServer(), startServer()]);
  expect(a.url).toBe(`redis://127.0.0.1:${a.port}`);
  const [toA, toB] = [new Line(a.port), new Line(b.port)];
  expect(await toA.reply('INCR n')).toBe(':1');
  expect(await toB.reply('INCR n')).toBe(':1');
  expect(await toA.reply('FLUSHALL')).toBe('+OK');
  expect(await toA.reply('DBSIZE')).toBe(':0');
  for (const line of [toA, toB]) line.end();
  await Promise.all([a.close(), b.close()]);
});

it('takes parameters and an address', async () => {
  const server = await startServer({ host: '::1', parameters: new Map([['requirepass', 'secret']]) });
  expect(server.url).toBe(`redis://[::1]:${server.port}`);
  const line = new Line(server.port, '::1');
  expect(await line.reply('GET k')).toBe('-NOAUTH Authentication required.');
  expect(await line.reply('AUTH secret')).toBe('+OK');
  line.end();
  await server.close();
});

it('refuses what it can not do, and leaves nothing', async () => {
  await expect(startServer({ parameters: new Map([['maxmemory', 'much']]) })).rejects.toMatchObject({
    code: 'INVALID',
  });
  const server = await startServer();
  await expect(startServer({ port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await expect(startServer({ port: 65_536 })).rejects.toMatchObject({ code: 'ERR_SOCKET_BAD_PORT' });
  await server.close();
  // Its port is free again.
  await (await startServer({ port: server.port })).close();
});

it('ends its connections when it is closed, those that wait as well', async () => {
  const server = await startServer();
  const [idle, waiting] = [new Line(server.port), new Line(server.port)];
  expect(await idle.reply('PING')).toBe('+PONG');
  expect(await waiting.reply('PING')).toBe('+PONG');
  waiting.send('BLPOP list 0');
  await Promise.all([server.close(), server.close(), idle.ended, waiting.ended]);
  await server[Symbol.asyncDispose]();
});

it('is closed by SHUTDOWN', async () => {
  const server = await startServer();
  const line = new Line(server.port);
  line.send('SHUTDOWN NOSAVE');
  await line.ended;
  await server.close();
  await (await startServer({ port: server.port })).close();
});

it.each(['WAIT 1 0', 'WAITAOF 0 1 0'])(
  'kept for ever who closed its side while it waited for replicas: %s',
  async (wait) => {
    const server = await startServer();
    const [waiting, other] = [new Line(server.port), new Line(server.port)];
    const id = (await waiting.reply('CLIENT ID')).slice(1);
    waiting.send(wait);
    expect(await other.reply('PING')).toBe('+PONG');
    waiting.end();
    const isOpen = async (): Promise<boolean> => {
      const line = new Line(server.port);
      const reply = await line.reply(`CLIENT LIST ID ${id}`);
      line.end();
      return reply !== '$0';
    };
    await expect.poll(isOpen, { timeout: 5000 }).toBe(false);
    other.end();
    await server.close();
  },
);
