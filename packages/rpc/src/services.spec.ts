import { Server, ServerCredentials } from '@grpc/grpc-js';
import { SimulatedEnv } from '@holdfast/common/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addReflection, Health } from './services.js';
import { reflectedClient } from './testing/index.js';

const health = new Health('kv.v1.KV');
let server: Server;
let address: string;

function listen(listener: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    listener.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(`127.0.0.1:${port}`);
      else reject(error);
    });
  });
}

beforeAll(async () => {
  server = new Server();
  health.addTo(server);
  addReflection(server, 'grpc.health.v1.Health');
  address = await listen(server);
});

afterAll(() => server.forceShutdown());

describe('health, which is loaded at the first call', () => {
  it('is what was set before, and what is set later', async () => {
    health.setServing(true);
    const client = await reflectedClient(address, 'grpc.health.v1.Health');
    expect(await client.unary('Check', { service: 'kv.v1.KV' })).toEqual({ status: 'SERVING' });
    health.setServing(false);
    expect(await client.unary('Check', { service: '' })).toEqual({ status: 'NOT_SERVING' });
    // By reflection a map is what it is on the wire: a list of entries.
    expect(await client.unary('List', {})).toEqual({
      statuses: ['', 'kv.v1.KV'].map((key) => ({ key, value: { status: 'NOT_SERVING' } })),
    });
    await expect(client.unary('Check', { service: 'other' })).rejects.toThrow('Health status unknown');
    client.close();
  });
});

it('says that a server which can do nothing is not serving, a second later at most', async () => {
  const env = new SimulatedEnv(1);
  let isReady = true;
  const other = new Server();
  const its = new Health('kv.v1.KV', { isReady: () => isReady, timers: env.timers });
  its.addTo(other);
  addReflection(other, 'grpc.health.v1.Health');
  its.setServing(true);
  const client = await reflectedClient(await listen(other), 'grpc.health.v1.Health');
  const status = () => client.unary('Check', { service: 'kv.v1.KV' });
  expect(await status()).toEqual({ status: 'SERVING' });
  isReady = false;
  env.advance(1000);
  expect(await status()).toEqual({ status: 'NOT_SERVING' });
  isReady = true;
  env.advance(1000);
  expect(await status()).toEqual({ status: 'SERVING' });
  its.setServing(false);
  env.advance(5000);
  expect(await status()).toEqual({ status: 'NOT_SERVING' });
  client.close();
  other.forceShutdown();
});

describe('reflection, which is loaded at the first call', () => {
  it.each(['v1', 'v1alpha'] as const)('answers clients of %s', async (version) => {
    const client = await reflectedClient(address, 'grpc.health.v1.Health', version);
    expect(client.services).toEqual(['grpc.health.v1.Health']);
    client.close();
  });
});
