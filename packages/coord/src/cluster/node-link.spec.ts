import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { reconnectMs } from './limits.js';
import { type ForwardStream, NodeLink } from './node-link.js';

class TestStream implements ForwardStream {
  readonly written: string[] = [];
  isFull = false;
  isEnded = false;
  isCancelled = false;
  readonly #listeners = new Map<string, (value: never) => void>();

  on(event: string, listener: (value: never) => void): void {
    this.#listeners.set(event, listener);
  }

  tell(event: string, value?: unknown): void {
    this.#listeners.get(event)?.(value as never);
  }

  write(message: Buffer, written: () => void): boolean {
    this.written.push(message.toString());
    written();
    return !this.isFull;
  }

  end(): void {
    this.isEnded = true;
  }

  cancel(): void {
    this.isCancelled = true;
  }
}

function linkOf() {
  const env = new SimulatedEnv();
  const streams: TestStream[] = [];
  const events: string[] = [];
  const node = { isReachable: true, isClosed: false };
  const link = new NodeLink({
    env,
    connector: {
      whenReachable: (ready) => (node.isReachable ? ready() : ready(new Error('nobody is there'))),
      open: () => {
        streams.push(new TestStream());
        return streams.at(-1)!;
      },
      close: () => {
        node.isClosed = true;
      },
    },
    onOpen: () => events.push('open'),
    onMessage: (message) => events.push(message.toString()),
    onWritable: () => events.push('writable'),
    onBroken: () => events.push('broken'),
  });
  return { env, events, link, node, streams };
}

it('takes and gives messages, and says when the stream takes no more', () => {
  const { events, link, streams } = linkOf();
  expect(link.isWritable).toBe(false);
  link.start();
  streams[0].isFull = true;
  let isCopied = false;
  link.write(Buffer.from('a'), () => {
    isCopied = true;
  });
  expect([isCopied, link.isWritable]).toEqual([true, false]);
  streams[0].tell('drain');
  expect(link.isWritable).toBe(true);
  streams[0].tell('data', Buffer.from('b'));
  expect(events).toEqual(['open', 'writable', 'b']);
});

it('opens another stream when one breaks, and hears nothing more of the old one', () => {
  const { env, events, link, streams } = linkOf();
  link.start();
  streams[0].tell('error', new Error('reset'));
  streams[0].tell('end');
  streams[0].tell('data', Buffer.from('late'));
  streams[0].tell('drain');
  expect(events).toEqual(['open', 'broken']);
  env.advance(reconnectMs.first);
  expect(streams.length).toBe(2);
  streams[0].tell('error', new Error('again'));
  expect(events).toEqual(['open', 'broken', 'open']);
});

it('waits longer and longer for a node that is not there, and not for one that answered', () => {
  const { env, link, node, streams } = linkOf();
  node.isReachable = false;
  link.start();
  env.advance(reconnectMs.max * 20);
  node.isReachable = true;
  env.advance(reconnectMs.max / 2 - 1);
  env.advance(reconnectMs.max);
  expect(streams.length).toBe(1);
  streams[0].tell('data', Buffer.from('hello'));
  streams[0].tell('end');
  env.advance(reconnectMs.first);
  expect(streams.length).toBe(2);
});

it('can be given up from here, in two ways', () => {
  const { events, link, streams, env } = linkOf();
  link.start();
  link.abort();
  expect(streams[0].isCancelled).toBe(true);
  env.advance(reconnectMs.first);
  link.finish();
  expect([streams[1].isEnded, streams[1].isCancelled]).toEqual([true, false]);
  expect(events).toEqual(['open', 'broken', 'open', 'broken']);
});

it('is closed once, and opens nothing afterwards', () => {
  const { env, events, link, node, streams } = linkOf();
  link.start();
  link.close();
  link.close();
  env.advance(reconnectMs.max * 2);
  expect([streams.length, streams[0].isCancelled, node.isClosed]).toEqual([1, true, true]);
  expect(events).toEqual(['open', 'broken']);
});
