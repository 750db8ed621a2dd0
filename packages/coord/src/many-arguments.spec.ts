/** A command may have a million arguments, a call of JavaScript some 120,000: what passed them on ended the process. */
import { describe, expect, it } from 'vitest';
import { LocalServer } from './testing/index.js';

const many = 200_000;

describe('more arguments than a call can have', () => {
  it('were the end of the server when as many subscriptions were ended at once', () => {
    const server = new LocalServer();
    const [client, other] = [server.client(), server.client()];
    client.ask(['SUBSCRIBE', ...Array.from({ length: many }, (_, i) => `c${i}`)]);
    client.line('UNSUBSCRIBE');
    expect(client.session.isSubscriber).toBe(false);
    expect(other.line('PUBSUB CHANNELS')).toEqual([]);
  });

  it('were the end of the server when as many sets were intersected', () => {
    const client = new LocalServer().client();
    client.line('SADD s a b');
    expect(client.ask(['SINTERSTORE', 't', ...Array(many).fill('s')])).toBe(2);
    expect(client.ask(['SINTERSTORE', 't', ...Array(many).fill('s'), 'none'])).toBe(0);
    expect(client.line('EXISTS t')).toBe(0);
  });

  it('were the end of the server when as many streams were waited for', () => {
    const server = new LocalServer();
    const [client, other] = [server.client(), server.client()];
    const streams = Array.from({ length: many }, (_, i) => `x${i}`);
    const request = ['XREAD', 'BLOCK', '0', 'STREAMS', ...streams, ...Array(many).fill('$')];
    expect(client.ask(request)).toBeUndefined();
    other.line('XADD x7 1-1 f v');
    expect(client.take()).toEqual([['x7', [['1-1', ['f', 'v']]]]]);
  });
});

it('does not take minutes to flush what a client watches thousands of', () => {
  const client = new LocalServer().client();
  const keys = Array.from({ length: 50_000 }, (_, i) => `k${i}`);
  client.ask(['MSET', ...keys.flatMap((key) => [key, 'v'])]);
  client.ask(['WATCH', ...keys]);
  client.line('FLUSHALL');
  client.line('MULTI');
  expect(client.line('EXEC')).toBeNull();
});

it('does not take minutes to read for a group one stream that is named thousands of times', () => {
  const client = new LocalServer().client();
  client.line('XGROUP CREATE x g $ MKSTREAM');
  const read = ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '2', 'STREAMS'];
  const times = 100_000;
  expect(client.ask([...read, ...Array(times).fill('x'), ...Array(times).fill('>')])).toBeNull();
  for (let i = 1; i <= 5; i++) client.line(`XADD x ${i} f v`);
  const entries = (...ids: number[]) => ['x', ids.map((id) => [`${id}-0`, ['f', 'v']])];
  expect(client.ask([...read, 'x', 'x', 'x', 'x', '>', '>', '>', '>'])).toEqual([
    entries(1, 2),
    entries(3, 4),
    entries(5),
  ]);
});
