/** Where the server listens, how that changes while it runs, and who is let in from where. */
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect } from '@holdfast/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GatewaySettings, type ServerProcess, spawnGateway, temporaryDirectory } from './server.js';
import { WireClient } from './wire-client.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  directory = await temporaryDirectory();
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await directory.remove();
});

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

async function serve(settings: GatewaySettings): Promise<{ redisPort: number; grpcPort: number }> {
  const gateway: ServerProcess = spawnGateway({ 'http-port': '-1', dir: directory.path, ...settings });
  closing.push(() => gateway.kill());
  const { redis, grpc } = JSON.parse(await gateway.readyLine()) as { redis: string; grpc: string | null };
  return { redisPort: portOf(redis), grpcPort: portOf(grpc ?? ':0') };
}

async function clientOf(port: number, host = '127.0.0.1'): Promise<WireClient> {
  const client = await WireClient.connect({ host, port });
  closing.push(() => client.close());
  return client;
}

/** Somebody else who listens, and where. */
async function listener(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { server, port } = await listener();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const text = async (client: WireClient, ...args: string[]): Promise<string | null> =>
  (await client.call(...args)).text;

describe('CONFIG SET port', () => {
  it('moves the server, and who is connected stays', async () => {
    const { redisPort } = await serve({ 'grpc-port': '-1' });
    const client = await clientOf(redisPort);
    const port = await freePort();
    expect(await text(client, 'CONFIG', 'SET', 'port', String(port))).toBe('OK');
    expect(await text(await clientOf(port), 'PING')).toBe('PONG');
    await expect(clientOf(redisPort)).rejects.toThrow('ECONNREFUSED');
    const info = await text(client, 'INFO', 'server');
    expect(info).toContain(`tcp_port:${port}\r\n`);
    expect(info).toContain(`listener0:name=tcp,bind=127.0.0.1,port=${port}\r\n`);
    expect(await text(client, 'CONFIG', 'SET', 'port', '0')).toBe('OK');
    await expect(clientOf(port)).rejects.toThrow('ECONNREFUSED');
    expect(await text(client, 'CONFIG', 'SET', 'port', String(redisPort))).toBe('OK');
    expect(await text(await clientOf(redisPort), 'PING')).toBe('PONG');
  });

  it('leaves everything as it was when the port is taken', async () => {
    const { redisPort } = await serve({ 'grpc-port': '-1' });
    const client = await clientOf(redisPort);
    const port = String((await listener()).port);
    expect(await text(client, 'CONFIG', 'SET', 'timeout', '5', 'port', port, 'maxclients', '77')).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.",
    );
    expect(await text(await clientOf(redisPort), 'PING')).toBe('PONG');
    const { items } = await client.call('CONFIG', 'GET', 'port', 'timeout', 'maxclients');
    expect(items?.map((item) => item.text)).toEqual(
      expect.arrayContaining([String(redisPort), '0', '10000']),
    );
  });
});

const outside = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

describe.skipIf(outside === undefined)('from outside', () => {
  const settings = { host: '0.0.0.0' };
  const host = outside as string;

  /** All that a client is told that says nothing. */
  async function greeting(port: number): Promise<string | null> {
    return text(await clientOf(port, host), 'PING');
  }

  it('nobody is let in while no password is needed, by no protocol', async () => {
    const { redisPort, grpcPort } = await serve(settings);
    expect(await greeting(redisPort)).toMatch(/^DENIED Redis is running in protected mode because/);
    const store = connect({ address: `${host}:${grpcPort}` });
    closing.push(() => store.close());
    await expect(store.get('k')).rejects.toMatchObject({ code: 'DENIED' });
    const client = await clientOf(redisPort);
    expect(await text(client, 'CONFIG', 'SET', 'protected-mode', 'no')).toBe('OK');
    expect(await greeting(redisPort)).toBe('PONG');
    expect(await store.get('k')).toBeNull();
  });

  it('everybody who knows the password is let in', async () => {
    const { redisPort } = await serve({ ...settings, requirepass: 'secret' });
    expect(await greeting(redisPort)).toBe('NOAUTH Authentication required.');
  });

  it('CONFIG SET bind opens and closes the door', async () => {
    const { redisPort } = await serve({ 'protected-mode': 'no' });
    const client = await clientOf(redisPort);
    await expect(greeting(redisPort)).rejects.toThrow('ECONNREFUSED');
    expect(await text(client, 'CONFIG', 'SET', 'bind', '0.0.0.0')).toBe('OK');
    expect(await greeting(redisPort)).toBe('PONG');
    expect(await text(client, 'CONFIG', 'SET', 'bind', '127.0.0.1 -::1')).toBe('OK');
    await expect(greeting(redisPort)).rejects.toThrow('ECONNREFUSED');
    expect(await text(await clientOf(redisPort), 'PING')).toBe('PONG');
    expect(await text(client, 'CONFIG', 'SET', 'bind', '203.0.113.200')).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.",
    );
    expect(await text(await clientOf(redisPort), 'PING')).toBe('PONG');
  });
});
