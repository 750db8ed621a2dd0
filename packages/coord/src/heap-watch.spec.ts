import { expect, it } from 'vitest';
import { HeapWatch } from './heap-watch.js';
import { LocalServer } from './testing/index.js';

/** Clients that have queued so many commands each, beside a heap in which each of them takes a hundredth. */
function serverWith(queued: readonly number[], otherBytes: number) {
  const server = new LocalServer();
  const clients = queued.map((count) => {
    const client = server.client();
    client.line('MULTI');
    for (let i = 0; i < count; i++) client.line('PING');
    return client;
  });
  const ended: number[] = [];
  let collections = 0;
  const isOpen = (i: number): boolean => !ended.includes(i);
  const watch = new HeapWatch({
    sessions: () => clients.filter((_, i) => isOpen(i)).map(({ session }) => session),
    evict: (session) => ended.push(clients.findIndex((client) => client.session === session)),
    measure: () => ({
      limitBytes: 100_000,
      usedBytes: otherBytes + queued.reduce((sum, count, i) => sum + (isOpen(i) ? count : 0), 0),
    }),
    collect: () => collections++,
  });
  watch.look();
  return { ended, collections };
}

it('ends the clients that keep most when the heap comes near its limit, until it does not', () => {
  expect(serverWith([40_000, 100, 50_000, 1], 5000)).toEqual({ ended: [2], collections: 1 });
  expect(serverWith([40_000, 100, 50_000, 1], 25_000)).toEqual({ ended: [2, 0], collections: 2 });
});

it('leaves clients alone that keep little, whatever fills the heap', () => {
  expect(serverWith([100, 200], 99_000)).toEqual({ ended: [], collections: 0 });
});

it('leaves all alone while there is room', () => {
  expect(serverWith([40_000], 10_000)).toEqual({ ended: [], collections: 0 });
});
