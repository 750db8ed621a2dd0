import { systemEnv } from '@holdfast/common';
import { afterEach, describe, expect, it } from 'vitest';
import { Caller } from './caller.js';
import { allKeys, type KeyInterval, prefixInterval, successorOf } from './key-interval.js';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { deleteRange, type RangeContext, type ScanOptions, scanRange } from './range-scan.js';
import { ScanRoom } from './scan-room.js';
import { Turns } from './turns.js';

const stacks: LocalStack[] = [];

afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.close();
});

interface Context extends RangeContext {
  readonly stack: LocalStack;
  /** Another caller. */
  readonly open: () => Caller;
}

async function contextOf(): Promise<Context> {
  const env = systemEnv();
  const stack = await openLocalStack({ env, storage: 'memory', log: 'none', fsync: 'no' });
  stacks.push(stack);
  const turns = new Turns(stack.coordinator, env.timers);
  const options = { protocol: 'embedded', address: '', localAddress: '' };
  const open = (): Caller => Caller.open(stack.coordinator, turns, options)!;
  return { caller: open(), room: new ScanRoom(turns, env.clock), stack, open };
}

async function keysOf(context: RangeContext, options: Partial<ScanOptions> = {}): Promise<string[]> {
  const keys: string[] = [];
  const whole = { interval: allKeys, isReverse: false, limit: Number.POSITIVE_INFINITY, resumeToken: null };
  for await (const { entries } of scanRange(context, { ...whole, keysOnly: true, ...options })) {
    keys.push(...entries.map(({ key }) => key.toString('latin1')));
  }
  return keys;
}

describe('scanRange', () => {
  for (const isReverse of [false, true]) {
    it(`takes several passes over keys that do not fit at once${isReverse ? ', backwards' : ''}`, async () => {
      const context = await contextOf();
      const expected: string[] = [];
      for (let i = 0; i < 60; i++) {
        // 30 MiB of keys, of which a pass keeps 16.
        const key = String.fromCharCode(65 + ((i * 37) % 60)) + 'x'.repeat(512 * 1024);
        expected.push(key);
        await context.caller.run(['KV.PUT', key, 'v']);
      }
      expected.sort();
      if (isReverse) expected.reverse();
      const found = await keysOf(context, { isReverse });
      expect(found.map((key) => key[0])).toEqual(expected.map((key) => key[0]));
    });
  }

  it('returns more keys than a pass keeps', async () => {
    const context = await contextOf();
    const names = Array.from({ length: 70_000 }, (_, i) => `k${String(i).padStart(6, '0')}`);
    for (let i = 0; i < names.length; i += 1000) {
      await context.caller.run(['MSET', ...names.slice(i, i + 1000).flatMap((name) => [name, 'v'])]);
    }
    expect(await keysOf(context)).toEqual(names);
  });

  it('returns everything to each of many at a time, whose passes keep less', async () => {
    const { caller, room, open } = await contextOf();
    const names = Array.from({ length: 3000 }, (_, i) => `k${String(i).padStart(4, '0')}`);
    await caller.run(['MSET', ...names.flatMap((name) => [name, 'v'])]);
    const found = await Promise.all(
      Array.from({ length: 40 }, (_, i) => keysOf({ caller: open(), room }, { isReverse: i % 2 === 1 })),
    );
    const backwards = [...names].reverse();
    for (const [i, keys] of found.entries()) expect(keys).toEqual(i % 2 === 1 ? backwards : names);
  });

  it('returns nothing from outside of its range for a token of another one', async () => {
    const context = await contextOf();
    for (const key of ['a', 'aa', 'b1', 'b2', 'c']) await context.caller.run(['KV.PUT', key, 'v']);
    const interval = prefixInterval(Buffer.from('b'));
    const forward = await keysOf(context, { interval, resumeToken: Buffer.from([1, 0, 0x61]) });
    expect(forward).toEqual(['b1', 'b2']);
    const resumeToken = Buffer.from([1, 1, 0x7a]);
    expect(await keysOf(context, { interval, isReverse: true, resumeToken })).toEqual(['b2', 'b1']);
    expect(await keysOf(context, { interval, resumeToken: Buffer.from([1, 0, 0x7a]) })).toEqual([]);
  });

  it('gives a large entry an answer for itself', async () => {
    const context = await contextOf();
    const large = Buffer.alloc(300 * 1024);
    for (const [key, value] of [
      ['a', 'v'],
      ['b', large],
      ['c', 'v'],
      ['d', 'v'],
    ] as const) {
      await context.caller.run(['KV.PUT', key, value]);
    }
    const options = {
      interval: allKeys,
      isReverse: false,
      limit: Number.POSITIVE_INFINITY,
      resumeToken: null,
    };
    const pages: string[] = [];
    for await (const { entries } of scanRange(context, { ...options, keysOnly: false })) {
      pages.push(entries.map(({ key }) => key.toString()).join(''));
    }
    expect(pages).toEqual(['a', 'b', 'cd']);
  });

  it('counts the entries returned, not those that were gone, for its limit', async () => {
    const context = await contextOf();
    for (let i = 0; i < 3000; i++)
      await context.caller.run(['KV.PUT', `k${String(i).padStart(4, '0')}`, 'v']);
    const limited = { interval: allKeys, isReverse: false, limit: 2000, keysOnly: false, resumeToken: null };
    let count = 0;
    for await (const { entries } of scanRange(context, limited)) {
      count += entries.length;
      if (count === 1000) {
        for (let i = 1000; i < 1500; i++) await context.caller.run(['KV.DEL', `k${i}`]);
      }
    }
    expect(count).toBe(2000);
  });

  it('replies the error when the caller may not read', async () => {
    const context = await contextOf();
    context.caller.session.isAuthenticated = false;
    await expect(keysOf(context)).rejects.toMatchObject({ code: 'COMMAND', reply: 'NOAUTH' });
    await expect(deleteRange(context, allKeys)).rejects.toMatchObject({ code: 'COMMAND', reply: 'NOAUTH' });
  });

  it('ends when its caller is closed', async () => {
    const context = await contextOf();
    await context.caller.run(['KV.PUT', 'k', 'v']);
    const pages = scanRange(context, {
      interval: allKeys,
      isReverse: false,
      limit: 10,
      keysOnly: false,
      resumeToken: null,
    });
    context.caller.close();
    await expect(pages.next()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('key intervals', () => {
  const bounds = ({ from, to }: KeyInterval): [number[], number[] | null] => [
    [...from],
    to === null ? null : [...to],
  ];

  it.each([
    [[], [], null],
    [
      [1, 2],
      [1, 2],
      [1, 3],
    ],
    [[1, 0xff], [1, 0xff], [2]],
    [[0xff, 0xff], [0xff, 0xff], null],
  ])('of the prefix %j', (prefix, from, to) => {
    expect(bounds(prefixInterval(Buffer.from(prefix)))).toEqual([from, to]);
  });

  it('know the key that comes next', () => {
    expect([...successorOf(Buffer.from([1, 2]))]).toEqual([1, 2, 0]);
  });
});
