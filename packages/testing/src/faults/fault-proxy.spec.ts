import { connect, createServer, type Server, type Socket } from 'node:net';
import { pause, systemEnv } from '@holdfast/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultProxy } from './fault-proxy.js';

const { clock, timers } = systemEnv();

/** A client, with what it received and how it ended. */
class Peer {
  readonly socket: Socket;
  received = '';
  ended: 'open' | 'end' | 'reset' = 'open';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.received += text;
    });
    socket.on('end', () => {
      this.ended = 'end';
    });
    socket.on('error', () => {
      this.ended = 'reset';
    });
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadlineMs = clock.monotonic() + 5000;
  while (!condition()) {
    if (clock.monotonic() > deadlineMs) throw new Error(`not in time: ${what}`);
    await pause(timers, 2);
  }
}

/** Answers each byte with the same byte. */
let echo: Server;
let accepted: Peer[];
let proxy: FaultProxy;
let peers: Peer[];

beforeEach(async () => {
  accepted = [];
  peers = [];
  echo = createServer((socket) => {
    accepted.push(new Peer(socket));
    socket.on('data', (bytes) => socket.write(bytes));
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  proxy = await FaultProxy.listen({ target: { port: (echo.address() as { port: number }).port } });
});

afterEach(async () => {
  for (const { socket } of [...peers, ...accepted]) socket.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

function client(): Peer {
  const peer = new Peer(connect(proxy.port, '127.0.0.1'));
  peers.push(peer);
  return peer;
}

/** A client whose connection works. */
async function connected(): Promise<Peer> {
  const peer = client();
  peer.socket.write('a');
  await until(() => peer.received === 'a', 'an answer');
  return peer;
}

describe('FaultProxy', () => {
  it('passes everything, both ways, to the end', async () => {
    const peer = client();
    const text = 'x'.repeat(3_000_000);
    peer.socket.end(text);
    await until(() => peer.ended === 'end', 'the end');
    expect(peer.received).toBe(text);
    await until(() => proxy.connectionCount === 0, 'both sides closed');
  });

  it('delays each way and keeps the order', async () => {
    const peer = await connected();
    proxy.delay(40, { jitterMs: 30, direction: 'toTarget' });
    proxy.delay(20, { direction: 'toClient' });
    const startMs = clock.monotonic();
    for (const letter of 'bcdefgh') {
      peer.socket.write(letter);
      await pause(timers, 3);
    }
    await until(() => peer.received === 'abcdefgh', 'the answers');
    expect(clock.monotonic() - startMs).toBeGreaterThanOrEqual(60);
  });

  it('throttles', async () => {
    const peer = await connected();
    proxy.throttle(100_000, 'toTarget');
    const startMs = clock.monotonic();
    peer.socket.write('b'.repeat(20_000));
    await until(() => peer.received.length === 20_001, 'the answers');
    expect(clock.monotonic() - startMs).toBeGreaterThan(150);
  });

  it('stalls: nothing arrives, then everything', async () => {
    const peer = await connected();
    proxy.stall('toClient');
    peer.socket.write('b');
    await until(() => accepted[0].received === 'ab', 'the request');
    await pause(timers, 30);
    expect(peer.received).toBe('a');
    proxy.heal();
    await until(() => peer.received === 'ab', 'the answer');
    expect(peer.ended).toBe('open');
  });

  it('does not read without bounds while it is stalled', async () => {
    const peer = await connected();
    proxy.stall('toTarget');
    for (let i = 0; i < 64; i++) peer.socket.write('b'.repeat(1024 * 1024));
    await pause(timers, 100);
    expect(peer.socket.writableLength).toBeGreaterThan(32 * 1024 * 1024);
    proxy.heal();
    await until(() => accepted[0].received.length === 64 * 1024 * 1024 + 1, 'all of it');
  });

  it('drops answers silently; the request arrives; healed, the connection is reset', async () => {
    const peer = await connected();
    proxy.drop('toClient');
    peer.socket.write('b');
    await until(() => accepted[0].received === 'ab', 'the request');
    await pause(timers, 30);
    expect([peer.received, peer.ended]).toEqual(['a', 'open']);
    proxy.heal();
    await until(() => peer.ended === 'reset', 'the reset');
    await connected();
  });

  it('drops requests silently, and a connection that lost none goes on', async () => {
    const [one, other] = [await connected(), await connected()];
    proxy.drop('toTarget');
    one.socket.write('b');
    await pause(timers, 30);
    expect(accepted[0].received).toBe('a');
    proxy.heal();
    await until(() => one.ended === 'reset', 'the reset');
    other.socket.write('c');
    await until(() => other.received === 'ac', 'an answer');
  });

  it('lets nobody through to the target while a direction is blocked', async () => {
    proxy.stall('toClient');
    const peer = client();
    peer.socket.write('a');
    await pause(timers, 30);
    expect(accepted).toHaveLength(0);
    proxy.heal();
    await until(() => peer.received === 'a', 'an answer');
  });

  it('cuts: resets all, and everybody who comes, until it heals', async () => {
    const peer = await connected();
    proxy.cut();
    await until(() => peer.ended === 'reset' && accepted[0].ended === 'reset', 'resets');
    const late = client();
    await until(() => late.ended === 'reset', 'a reset');
    expect(accepted).toHaveLength(1);
    proxy.heal();
    await connected();
  });

  it('leaves a client with half a connection', async () => {
    const peer = await connected();
    proxy.halfOpen('client');
    await until(() => accepted[0].ended === 'reset', 'a reset');
    peer.socket.write('b');
    await pause(timers, 30);
    expect([peer.received, peer.ended]).toEqual(['a', 'open']);
    await connected();
    proxy.heal();
    await until(() => peer.ended === 'reset', 'the reset');
  });

  it('leaves a server with half a connection', async () => {
    const peer = await connected();
    proxy.halfOpen('target');
    await until(() => peer.ended === 'reset', 'a reset');
    accepted[0].socket.write('b');
    await pause(timers, 30);
    expect(accepted[0].ended).toBe('open');
    proxy.heal();
    await until(() => accepted[0].ended === 'reset', 'the reset');
  });

  it('resets clients of a target that is not there, and finds one that moved', async () => {
    const { port } = echo.address() as { port: number };
    proxy.retarget({ path: '/nowhere' });
    const peer = client();
    await until(() => peer.ended === 'reset', 'a reset');
    proxy.retarget({ port });
    await connected();
  });

  it('passes the reset of a side on', async () => {
    const peer = await connected();
    accepted[0].socket.resetAndDestroy();
    await until(() => peer.ended === 'reset', 'the reset');
    await until(() => proxy.connectionCount === 0, 'both sides closed');
  });
});
