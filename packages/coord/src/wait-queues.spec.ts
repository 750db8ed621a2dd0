import { Request } from '@holdfast/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer } from './testing/index.js';
import { keyNameOf, type Waiter, WaitQueues } from './wait-queues.js';

const server = new LocalServer();
const command = server.kv.registry.byName('BLPOP')!;

function waiter(...keys: string[]): Waiter {
  return {
    session: server.client().session,
    command,
    request: Request.of('BLPOP', ...keys, '0'),
    names: keys.map((key) => nameOf(key)),
    options: { type: 2, timeoutMs: 0, onTimeout: (reply) => reply.nullArray() },
    timer: null,
  };
}

function nameOf(key: string, database = 0): string {
  return keyNameOf(database, Buffer.from(key), 0, key.length);
}

describe('WaitQueues', () => {
  let queues: WaitQueues;

  beforeEach(() => {
    queues = new WaitQueues();
  });

  it('keeps the waiters of each key, oldest first', () => {
    const first = waiter('a');
    const second = waiter('b', 'a');
    queues.add(first);
    queues.add(second);
    expect([...queues.waitersOf(nameOf('a'))]).toEqual([first, second]);
    expect([...queues.waitersOf(nameOf('b'))]).toEqual([second]);
    expect([...queues.waitersOf(nameOf('c'))]).toEqual([]);
    expect(queues.size).toBe(2);
    expect(queues.of(second.session)).toBe(second);
  });

  it('forgets a waiter under all of its keys, those given twice too', () => {
    const gone = waiter('a', 'b', 'a');
    const kept = waiter('b');
    queues.add(gone);
    queues.add(kept);
    queues.remove(gone);
    expect([...queues.waitersOf(nameOf('a'))]).toEqual([]);
    expect([...queues.waitersOf(nameOf('b'))]).toEqual([kept]);
    expect(queues.of(gone.session)).toBeUndefined();
    expect(queues.size).toBe(1);
  });

  it('lets waiters go while they are walked through', () => {
    const waiters = [waiter('a'), waiter('a'), waiter('a')];
    for (const each of waiters) queues.add(each);
    const seen: Waiter[] = [];
    for (const each of queues.waitersOf(nameOf('a'))) {
      seen.push(each);
      queues.remove(each);
    }
    expect(seen).toEqual(waiters);
    expect(queues.size).toBe(0);
  });

  it('reports changed keys that somebody waits for, once, in the order of their first change', () => {
    queues.add(waiter('a', 'b'));
    for (const key of ['b', 'x', 'a', 'b']) queues.signal(nameOf(key));
    expect(queues.hasReady).toBe(true);
    expect([...queues.takeReady()]).toEqual([nameOf('b'), nameOf('a')]);
    expect(queues.hasReady).toBe(false);
  });

  it('tells keys of one name in different databases apart', () => {
    queues.add(waiter('a'));
    queues.signal(nameOf('a', 1));
    queues.signalDatabase(1);
    expect(queues.hasReady).toBe(false);
    queues.signalDatabase(0);
    expect([...queues.takeReady()]).toEqual([nameOf('a')]);
  });
});
