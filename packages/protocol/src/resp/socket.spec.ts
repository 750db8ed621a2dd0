import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readInto } from './socket.js';

const servers: Server[] = [];

/** A server that sends back what it receives, and a client of it. */
async function echo(isPlain: boolean): Promise<{ server: Server; client: Socket }> {
  const server = createServer({ pauseOnConnect: true }, (accepted) => {
    const socket = readInto(
      accepted,
      (bytes, length) => socket.write(Buffer.from(bytes.subarray(0, length))),
      isPlain,
    );
    socket.on('end', () => socket.end());
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const client = connect(port, '127.0.0.1');
  await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  return { server, client };
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe.each([
  ['the shared buffer', false],
  ['data events', true],
])('reading by %s', (_name, isPlain) => {
  it('gives all bytes in order', async () => {
    const { client } = await echo(isPlain);
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255));
    const received: Buffer[] = [];
    let length = 0;
    const done = new Promise<void>((resolve) => {
      client.on('data', (chunk: Buffer) => {
        received.push(chunk);
        if ((length += chunk.length) === sent.length) resolve();
      });
    });
    client.write(sent);
    await done;
    client.end();
    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  it('lets the server end once its clients are gone', async () => {
    const { server, client } = await echo(isPlain);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    client.end();
    await closed;
    expect(server.listening).toBe(false);
  });
});
