/**
 * What every KeyValueStore must do, as a list of named cases. An implementation's whole spec:
 *
 *     for (const { name, run } of storeConformance) it(name, () => run(emptyStore));
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { KvError, pause, systemEnv } from '@holdfast/common';
import type { Entry, KeyValueStore, Page, ScanOptions, Value } from '../key-value-store.js';

export interface StoreCase {
  readonly name: string;
  run(store: KeyValueStore): Promise<void>;
}

const { timers } = systemEnv();
const storeCases: StoreCase[] = [];

function example(name: string, run: (store: KeyValueStore) => Promise<void>): void {
  storeCases.push({ name, run });
}

/** What every store must do. The store is empty at first, and closed by whoever made it. */
export const storeConformance: readonly StoreCase[] = storeCases;

async function fails(call: Promise<unknown>, code: string): Promise<KvError> {
  const error = await call.then(
    () => assert.fail(`no error, expected ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof KvError, `${error} is no KvError`);
  assert.equal(error.code, code, error.message);
  return error;
}

async function entriesOf(store: KeyValueStore, options?: ScanOptions): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of store.scan(options)) entries.push(entry);
  return entries;
}

async function keysOf(store: KeyValueStore, options?: ScanOptions): Promise<string[]> {
  return (await entriesOf(store, options)).map(({ key }) => key.toString('latin1'));
}

/** Resolves when `condition` holds; fails after five seconds. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await condition()) return;
    await pause(timers, 10);
  }
  assert.fail('the condition did not come true');
}

// Reading and writing

example('reads what was put, with its version', async (store) => {
  assert.equal(await store.get('k'), null);
  const version = await store.put('k', 'v');
  assert.ok(Number.isSafeInteger(version) && version > 0);
  assert.deepEqual(await store.get('k'), { value: Buffer.from('v'), version, ttlMs: null });
});

example('keeps bytes as they are', async (store) => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  for (const key of [bytes, Buffer.alloc(0), Buffer.from('ключ')]) {
    await store.put(key, bytes);
    assert.deepEqual((await store.get(key))?.value, bytes);
  }
  await store.put('empty', '');
  assert.equal((await store.get('empty'))?.value.length, 0);
  assert.deepEqual((await store.get('ключ'))?.value, bytes);
});

example('keeps large values', async (store) => {
  const value = Buffer.alloc(3_000_000, 'abc');
  await store.put('large', value);
  assert.ok(value.equals((await store.get('large'))!.value));
});

example('gives each write a larger version, the same key or not', async (store) => {
  let last = 0;
  for (const key of ['a', 'b', 'a', 'c', 'a']) {
    const version = await store.put(key, 'v');
    assert.ok(version > last);
    last = version;
  }
});

example('removes keys and says whether they were there', async (store) => {
  await store.put('k', 'v');
  assert.equal(await store.delete('k'), true);
  assert.equal(await store.delete('k'), false);
  assert.equal(await store.get('k'), null);
});

example('reads many keys of any type, in the order asked', async (store) => {
  const version = await store.put('a', '1', { ttlMs: 60_000 });
  await store.execute(['RPUSH', 'list', 'x']);
  const [a, none, list, again] = await store.getMany(['a', 'none', 'list', 'a']);
  assert.equal(a?.version, version);
  assert.deepEqual([a?.key.toString(), a?.type, a?.value?.toString()], ['a', 'string', '1']);
  assert.ok(a?.ttlMs != null && a.ttlMs > 50_000);
  assert.equal(none, null);
  assert.deepEqual([list?.type, list?.value, list?.ttlMs], ['list', null, null]);
  assert.equal(again?.version, version);
  assert.deepEqual(await store.getMany([]), []);
  await fails(store.getMany(new Array(1001).fill('k')), 'LIMIT');
});

example('says that a key holds another type, and puts over it all the same', async (store) => {
  await store.execute(['RPUSH', 'k', 'x']);
  const error = await fails(store.get('k'), 'WRONGTYPE');
  assert.equal(error.reply, 'WRONGTYPE');
  await fails(store.put('k', 'v', { expectedVersion: 1 }), 'WRONGTYPE');
  await store.put('k', 'v');
  assert.equal((await store.get('k'))?.value.toString(), 'v');
});

// Time to live

example('lets keys expire', async (store) => {
  await store.put('k', 'v', { ttlMs: 80 });
  const found = await store.get('k');
  assert.ok(found === null || (found.ttlMs !== null && found.ttlMs <= 80));
  await until(async () => (await store.get('k')) === null);
});

example('forgets the time to live when a key is put again', async (store) => {
  await store.put('k', 'v', { ttlMs: 60_000 });
  await store.put('k', 'v');
  assert.equal((await store.get('k'))?.ttlMs, null);
});

example('refuses a time to live that is none', async (store) => {
  for (const ttlMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    await fails((async () => store.put('k', 'v', { ttlMs }))(), 'INVALID');
  }
});

// Versions

example('puts at the expected version only', async (store) => {
  const first = await store.put('k', '1', { expectedVersion: 0 });
  const error = await fails(store.put('k', '2', { expectedVersion: 0 }), 'VERSION_MISMATCH');
  assert.equal(error.version, first);
  const second = await store.put('k', '2', { expectedVersion: first });
  assert.equal(
    (await fails(store.put('k', '3', { expectedVersion: first }), 'VERSION_MISMATCH')).version,
    second,
  );
  await fails(store.put('none', 'v', { expectedVersion: first }), 'VERSION_MISMATCH');
  assert.deepEqual(await store.get('k'), { value: Buffer.from('2'), version: second, ttlMs: null });
});

example('puts where nothing is only', async (store) => {
  const version = await store.put('k', '1', { onlyIfAbsent: true });
  assert.equal(
    (await fails(store.put('k', '2', { onlyIfAbsent: true }), 'VERSION_MISMATCH')).version,
    version,
  );
  await fails(store.put('k', '2', { onlyIfAbsent: true, expectedVersion: version }), 'INVALID');
  await store.delete('k');
  assert.ok((await store.put('k', '3', { onlyIfAbsent: true })) > version);
});

example('removes at the expected version only', async (store) => {
  const version = await store.put('k', 'v');
  const error = await fails(store.delete('k', { expectedVersion: version + 1 }), 'VERSION_MISMATCH');
  assert.equal(error.version, version);
  assert.equal(await store.delete('k', { expectedVersion: version }), true);
  await fails(store.delete('k', { expectedVersion: version }), 'VERSION_MISMATCH');
});

example('lets one of many writers win at each version', async (store) => {
  await store.put('counter', '0');
  const increment = async (): Promise<void> => {
    for (;;) {
      const { value, version } = (await store.get('counter'))!;
      try {
        await store.put('counter', String(Number(value) + 1), { expectedVersion: version });
        return;
      } catch (error) {
        assert.equal((error as KvError).code, 'VERSION_MISMATCH');
      }
    }
  };
  await Promise.all(Array.from({ length: 50 }, increment));
  assert.equal((await store.get('counter'))?.value.toString(), '50');
});

// Ranges

async function fill(store: KeyValueStore, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => `k${String(i).padStart(5, '0')}`);
  await Promise.all(keys.map((key) => store.put(key, `value of ${key}`)));
  return keys;
}

example('scans all keys in the order of their bytes', async (store) => {
  const keys = await fill(store, 2500);
  await store.put(Buffer.from([0xff]), 'last');
  await store.put('', 'first');
  assert.deepEqual(await keysOf(store), ['', ...keys, '\xff']);
  assert.deepEqual(await keysOf(store, { reverse: true }), ['\xff', ...keys.reverse(), '']);
});

example('returns entries with values and versions, and other types without values', async (store) => {
  const version = await store.put('a', '1', { ttlMs: 60_000 });
  await store.execute(['RPUSH', 'b', 'x']);
  const [a, b] = await entriesOf(store);
  assert.equal(a.version, version);
  assert.equal(a.value?.toString(), '1');
  assert.ok(a.ttlMs !== null && a.ttlMs > 50_000);
  assert.deepEqual([b.type, b.value, b.ttlMs], ['list', null, null]);
  const [key] = await entriesOf(store, { keysOnly: true });
  assert.deepEqual(key, { key: Buffer.from('a'), type: 'string', value: null, version, ttlMs: null });
});

example('scans a prefix or a range', async (store) => {
  for (const key of ['a', 'a1', 'a2', 'b', 'b1', 'c']) await store.put(key, key);
  for (const key of [Buffer.from([0xff]), Buffer.from([0xff, 0xff]), Buffer.from([0xff, 0])]) {
    await store.put(key, 'v');
  }
  assert.deepEqual(await keysOf(store, { selection: { prefix: 'a' } }), ['a', 'a1', 'a2']);
  assert.deepEqual(await keysOf(store, { selection: { prefix: Buffer.from([0xff]) } }), [
    '\xff',
    '\xff\0',
    '\xff\xff',
  ]);
  assert.deepEqual(await keysOf(store, { selection: { start: 'a2', end: 'b1' } }), ['a2', 'b']);
  assert.deepEqual(await keysOf(store, { selection: { start: 'b1', end: Buffer.from([0xff]) } }), [
    'b1',
    'c',
  ]);
  assert.deepEqual(await keysOf(store, { selection: { start: 'b', end: 'c' }, reverse: true }), ['b1', 'b']);
  assert.deepEqual(await keysOf(store, { selection: { start: 'c', end: 'a' } }), []);
  assert.deepEqual(await keysOf(store, { selection: { prefix: 'none' } }), []);
});

example('stops at the limit', async (store) => {
  const keys = await fill(store, 100);
  assert.deepEqual(await keysOf(store, { limit: 7 }), keys.slice(0, 7));
  assert.deepEqual(await keysOf(store, { limit: 7, reverse: true }), keys.slice(-7).reverse());
  assert.deepEqual(await keysOf(store, { limit: 100 }), keys);
  assert.deepEqual(await keysOf(store, { limit: 1000 }), keys);
});

for (const reverse of [false, true]) {
  example(`goes on from a token${reverse ? ', backwards' : ''}`, async (store) => {
    const keys = await fill(store, 50);
    const found: string[] = [];
    let token: Uint8Array | undefined;
    for (let steps = 0; steps < 20; steps++) {
      const pages: Page[] = [];
      const options = { limit: 9, reverse, ...(token && { resumeToken: token }) };
      for await (const page of store.scanPages(options)) pages.push(page);
      for (const { entries } of pages) found.push(...entries.map(({ key }) => key.toString()));
      const last = pages.at(-1)?.resumeToken ?? null;
      if (last === null) break;
      token = last;
    }
    assert.deepEqual(found, reverse ? keys.reverse() : keys);
    await fails(entriesOf(store, { reverse: !reverse, resumeToken: token! }), 'INVALID');
    await fails(entriesOf(store, { resumeToken: Buffer.from('nonsense') }), 'INVALID');
  });
}

example('returns keys that are there throughout exactly once, whatever else happens', async (store) => {
  const keys = await fill(store, 3000);
  const isKept = (key: string): boolean => Number(key.slice(1)) % 3 !== 0;
  const found: string[] = [];
  let writes = 0;
  for await (const { key } of store.scan()) {
    found.push(key.toString());
    if (found.length % 10 !== 0) continue;
    await store.delete(keys[(writes * 3) % keys.length]);
    await store.put(`new${writes++}`, 'v');
  }
  assert.equal(new Set(found).size, found.length);
  assert.deepEqual(found, [...found].sort());
  const kept = keys.filter(isKept);
  assert.deepEqual(
    found.filter((key) => key.startsWith('k') && isKept(key)),
    kept,
  );
});

example('ends a scan that is not read to its end', async (store) => {
  await fill(store, 3000);
  for await (const { key } of store.scan()) if (key.toString() === 'k00005') break;
  assert.equal((await store.get('k00006'))?.value.toString(), 'value of k00006');
});

example('removes a range', async (store) => {
  const keys = await fill(store, 300);
  await store.execute(['RPUSH', 'k00001list', 'x']);
  assert.equal(await store.deleteRange({ prefix: 'k00001' }), 2);
  assert.equal(await store.deleteRange({ start: keys[100], end: keys[200] }), 100);
  assert.deepEqual(await keysOf(store), [keys[0], ...keys.slice(2, 100), ...keys.slice(200)]);
  assert.equal(await store.deleteRange({ prefix: '' }), 199);
  assert.deepEqual(await keysOf(store), []);
});

// Commands

example('executes commands and returns their replies as values', async (store) => {
  const cases: [string[], Value][] = [
    [['SET', 'k', 'v'], 'OK'],
    [['GET', 'k'], Buffer.from('v')],
    [['GET', 'none'], null],
    [['STRLEN', 'k'], 1],
    [['RPUSH', 'l', 'a', 'b'], 2],
    [
      ['LRANGE', 'l', '0', '-1'],
      [Buffer.from('a'), Buffer.from('b')],
    ],
    [['LRANGE', 'none', '0', '-1'], []],
    [['LLEN', 'none'], 0],
    [['DECR', 'n'], -1],
    [['INCRBY', 'big', '9223372036854775807'], 9223372036854775807n],
    [['PING'], 'PONG'],
  ];
  for (const [args, reply] of cases) assert.deepEqual(await store.execute(args), reply, args.join(' '));
  assert.equal(await store.execute(['GET', 'k'], { encoding: 'utf8' }), 'v');
  assert.deepEqual(await store.execute(['LRANGE', 'l', 0, -1], { encoding: 'utf8' }), ['a', 'b']);
});

example('rejects with the error that a command replied', async (store) => {
  const error = await fails(store.execute(['NOSUCH']), 'COMMAND');
  assert.equal(error.reply, 'ERR');
  assert.match(error.message, /^ERR unknown command 'NOSUCH'/);
  await store.put('k', 'v');
  await fails(store.execute(['LPUSH', 'k', 'x']), 'WRONGTYPE');
  await fails(store.execute([]), 'INVALID');
});

/** As a program without types passes them. */
const wrong = (value: unknown): never => value as never;

example('says at the call what is no key, no value and no command, and serves the others', async (store) => {
  const others = store.put('k', 'v').then(() => store.get('k'));
  const nothings: unknown[] = [undefined, null, 5, true, {}, new Uint16Array(1), ['k']];
  for (const value of nothings) {
    await fails(store.get(wrong(value)), 'INVALID');
    await fails(store.put(wrong(value), 'v'), 'INVALID');
    await fails(store.put('k', wrong(value)), 'INVALID');
    await fails(store.delete(wrong(value)), 'INVALID');
    await fails(store.getMany([wrong(value)]), 'INVALID');
    if (!Array.isArray(value)) await fails(store.execute(wrong(value)), 'INVALID');
    if (value !== 5) await fails(store.execute(['SET', 'k', wrong(value)]), 'INVALID');
    await fails(store.transact(wrong(['GET'])), 'INVALID');
    await fails(store.deleteRange(wrong(value)), 'INVALID');
    await fails(entriesOf(store, { selection: wrong({ prefix: value }) }), 'INVALID');
  }
  await fails(store.execute(wrong('GET k')), 'INVALID');
  assert.equal((await others)?.value.toString(), 'v');
  assert.equal((await store.get('k'))?.value.toString(), 'v');
});

example('refuses options that make no sense', async (store) => {
  for (const timeoutMs of [Number.NaN, -1]) {
    await fails(store.get('k', { timeoutMs }), 'INVALID');
    await fails(store.getMany(['k'], { timeoutMs }), 'INVALID');
    await fails(store.execute(['GET', 'k'], { timeoutMs }), 'INVALID');
  }
  await fails(store.get('k', { freshness: wrong('fresh') }), 'INVALID');
  for (const options of [null, 5, 'x']) {
    await fails(store.get('k', wrong(options)), 'INVALID');
    await fails(store.put('k', 'v', wrong(options)), 'INVALID');
    await fails(store.execute(['GET', 'k'], wrong(options)), 'INVALID');
    await fails(store.transact([['GET', 'k']], wrong(options)), 'INVALID');
    await fails(entriesOf(store, wrong(options)), 'INVALID');
  }
  await fails(entriesOf(store, { resumeToken: wrong(5) }), 'INVALID');
  await fails(store.execute(['GET', 'k'], { protocol: wrong(4) }), 'INVALID');
  await fails(store.transact([], { compare: [{ key: 'k', expectedVersion: 1.5 }] }), 'INVALID');
  for (const limit of [-1, 1.5, Number.NaN]) await fails(entriesOf(store, { limit }), 'INVALID');
});

example('takes a time-out without end, and a limit of nothing', async (store) => {
  await store.put('k', 'v');
  for (const timeoutMs of [0, 2 ** 40, Number.POSITIVE_INFINITY]) {
    assert.equal((await store.get('k', { timeoutMs }))?.value.toString(), 'v');
    assert.equal((await store.getMany(['k'], { timeoutMs })).length, 1);
    assert.equal(await store.execute(['BLPOP', 'none', '0.01'], { timeoutMs }), null);
  }
  assert.deepEqual(await keysOf(store, { limit: 0 }), []);
});

example('refuses commands that act on a connection', async (store) => {
  for (const line of ['SUBSCRIBE c', 'MULTI', 'exec', 'Select 1', 'AUTH x', 'CLIENT REPLY OFF', 'QUIT']) {
    const error = await fails(store.execute(line.split(' ')), 'COMMAND');
    assert.equal(error.reply, 'UNSUPPORTED', line);
  }
});

example('lets commands wait without holding up others', async (store) => {
  const popped = store.execute(['BLPOP', 'queue', '0'], { encoding: 'utf8', timeoutMs: 0 });
  const second = store.execute(['BLPOP', 'queue', '0'], { encoding: 'utf8', timeoutMs: 0 });
  await store.put('k', 'v');
  assert.equal((await store.get('k'))?.value.toString(), 'v');
  await store.execute(['RPUSH', 'queue', 'a', 'b']);
  assert.deepEqual(await popped, ['queue', 'a']);
  assert.deepEqual(await second, ['queue', 'b']);
  assert.equal(await store.execute(['BLPOP', 'queue', '0.02']), null);
});

example('ends a command that waits too long, and leaves it nothing', async (store) => {
  await fails(store.execute(['BLPOP', 'queue', '0'], { timeoutMs: 50 }), 'UNDETERMINED');
  await until(async () => {
    await store.execute(['DEL', 'queue']);
    await store.execute(['RPUSH', 'queue', 'x']);
    return (await store.execute(['LLEN', 'queue'])) === 1;
  });
});

// Signals

example('gives up a command that waits when its signal aborts, and leaves it nothing', async (store) => {
  const abort = new AbortController();
  const reason = new Error('enough');
  const waiting = fails(store.execute(['BLPOP', 'queue', '0'], { signal: abort.signal }), 'UNDETERMINED');
  const other = store.execute(['BLPOP', 'other', '5'], { encoding: 'utf8' });
  await store.put('k', 'v');
  abort.abort(reason);
  assert.equal((await waiting).cause, reason);
  await until(async () => {
    await store.execute(['DEL', 'queue']);
    await store.execute(['RPUSH', 'queue', 'x']);
    return (await store.execute(['LLEN', 'queue'])) === 1;
  });
  await store.execute(['RPUSH', 'other', 'y']);
  assert.deepEqual(await other, ['other', 'y']);
});

example('does nothing for a signal that has aborted before', async (store) => {
  const signal = AbortSignal.abort(new Error('enough'));
  const calls = [
    store.get('k', { signal }),
    store.getMany(['k'], { signal }),
    store.put('k', 'v', { signal }),
    store.delete('k', { signal }),
    store.execute(['SET', 'k', 'v'], { signal }),
    store.transact([['SET', 'k', 'v']], { signal }),
    store.deleteRange({ prefix: '' }, { signal }),
    entriesOf(store, { signal }),
  ];
  for (const error of await Promise.all(calls.map((call) => fails(call, 'UNAVAILABLE')))) {
    assert.equal(error.cause, signal.reason);
  }
  assert.equal(await store.get('k'), null);
  await fails(store.get('k', { signal: {} as AbortSignal }), 'INVALID');
});

example('ends a scan when its signal aborts', async (store) => {
  const keys = Array.from({ length: 5000 }, (_, i) => `k${i}`);
  await Promise.all(keys.map((key) => store.put(key, Buffer.alloc(1000))));
  const abort = new AbortController();
  let count = 0;
  const scan = async (): Promise<void> => {
    for await (const { entries } of store.scanPages({ signal: abort.signal })) {
      count += entries.length;
      abort.abort();
    }
  };
  const error = await fails(scan(), 'UNAVAILABLE');
  assert.equal((error.cause as Error).name, 'AbortError');
  assert.ok(count > 0 && count < keys.length, `${count} entries`);
});

example('lets go of the signals of calls that are over', async (store) => {
  const { signal } = new AbortController();
  await store.put('k', 'v', { signal });
  await store.get('k', { signal });
  await store.getMany(['k'], { signal });
  await store.transact([['GET', 'k']], { signal });
  await store.execute(['BLPOP', 'list', '0.01'], { signal });
  await fails(store.execute(['LPOP', 'k'], { signal }), 'WRONGTYPE');
  await entriesOf(store, { signal });
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

example('aborts many calls by one signal, of which Node does not warn', async (store) => {
  const abort = new AbortController();
  const { signal } = abort;
  const waiting = Array.from({ length: 50 }, () =>
    fails(store.execute(['BLPOP', 'list', '0'], { signal }), 'UNDETERMINED'),
  );
  await store.put('k', 'v');
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  abort.abort();
  await Promise.all(waiting);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

// Transactions

example('runs commands as one', async (store) => {
  const values = await store.transact([
    ['SET', 'a', '1'],
    ['INCR', 'a'],
    ['GET', 'a'],
  ]);
  assert.deepEqual(values, ['OK', 2, Buffer.from('2')]);
  const [one, two] = await store.transact([
    ['LPUSH', 'a', 'x'],
    ['INCR', 'a'],
  ]);
  assert.ok(one instanceof KvError && one.code === 'WRONGTYPE');
  assert.equal(two, 3);
  assert.deepEqual(await store.transact([]), []);
});

example('runs a transaction at the expected versions only', async (store) => {
  const version = await store.put('k', '1');
  const holds = [
    { key: 'k', expectedVersion: version },
    { key: 'none', expectedVersion: 0 },
  ];
  assert.deepEqual(await store.transact([['INCR', 'k']], { compare: holds }), [2]);
  const error = await fails(store.transact([['INCR', 'k']], { compare: holds }), 'VERSION_MISMATCH');
  assert.equal(error.version, (await store.get('k'))?.version);
  await fails(
    store.transact([['INCR', 'k']], { compare: [{ key: 'k', expectedVersion: 0 }] }),
    'VERSION_MISMATCH',
  );
  assert.equal((await store.get('k'))?.value.toString(), '2');
});

example('refuses a whole transaction for one wrong command', async (store) => {
  await fails(store.transact([['SET', 'k', 'v'], ['NOSUCH']]), 'COMMAND');
  await fails(store.transact([['SET', 'k', 'v'], ['MULTI']]), 'COMMAND');
  assert.equal(await store.get('k'), null);
  assert.deepEqual(await store.transact([['PING']]), ['PONG']);
});

// Many at a time

example('answers thousands of calls made at once, each with its own reply', async (store) => {
  const count = 5000;
  await Promise.all(Array.from({ length: count }, (_, i) => store.put(`k${i}`, `v${i}`)));
  const found = await Promise.all(Array.from({ length: count }, (_, i) => store.get(`k${i}`)));
  for (const [i, each] of found.entries()) assert.equal(each?.value.toString(), `v${i}`);
});

example('is closed for good', async (store) => {
  const waiting = store.execute(['BLPOP', 'queue', '0'], { timeoutMs: 0 });
  const refused = fails(waiting, 'CLOSED');
  await store.get('k');
  await store.close();
  await refused;
  await store.close();
  await fails((async () => store.get('k'))(), 'CLOSED');
  await fails(store.getMany(['k']), 'CLOSED');
  await fails(store.getMany([]), 'CLOSED');
  await fails(entriesOf(store), 'CLOSED');
});

example('is closed at the end of the block that it was opened for', async (store) => {
  await store[Symbol.asyncDispose]();
  await fails(store.get('k'), 'CLOSED');
});
