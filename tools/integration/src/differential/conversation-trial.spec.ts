import type { WireReply } from '@holdfast/protocol/testing';
import { expect, it } from 'vitest';
import type { Heard, Transcript } from './company.js';
import type { Turn } from './conversation.js';
import { tryConversation } from './conversation-trial.js';

const of =
  (type: string) =>
  (text: string): WireReply => ({ type, text, items: null });
const [bulk, simple, integer] = ['$', '+', ':'].map(of);
const array = (...items: WireReply[]): WireReply => ({ type: '*', text: null, items });
const nullArray: WireReply = { type: '*', text: null, items: null };
const popped = array(bulk('k'), bulk('m'), bulk('1'));
const keymiss = (key: string) => array(...['pmessage', '*', '__keyevent@0__:keymiss', key].map(bulk));

function turnsOf(...lines: string[]): Turn[] {
  return lines.map((line) => ({ by: Number(line[0]), request: line.slice(3).split(' ') }));
}

/** What differs when the connections to the two servers hear that. */
async function signature(
  turns: readonly Turn[],
  theirs: Heard[],
  ours: Heard[],
): Promise<string | undefined> {
  const companies = [theirs, ours].map((heard) => ({
    hold: async (): Promise<Transcript> => ({
      heard: [...heard, [], []],
      isOpen: [true, true],
      state: array(),
    }),
  }));
  return (await tryConversation(companies, { seed: 1, dialects: [2, 2], turns }))?.signature;
}

it('compares what stands behind the reply to a transaction, which is no other transaction, by its shape', async () => {
  const turns = turnsOf('0> MULTI', '0> UNSUBSCRIBE a b', '0> KEYS *', '0> EXEC');
  const unsubscribed = array(bulk('unsubscribe'), bulk('a'), integer('0'));
  const heard = (last: WireReply): Heard[] => [
    [simple('OK')],
    [simple('QUEUED')],
    [simple('QUEUED')],
    [array(unsubscribed, unsubscribed), last],
  ];
  expect(await signature(turns, heard(array()), heard(array()))).toBeUndefined();
  expect(await signature(turns, heard(array()), heard(array(bulk('a'))))).toBe('reply EXEC: * | *');
  expect(await signature(turns, heard(array(bulk('b'))), heard(array(bulk('a'))))).toBeUndefined();
});

it('lets a waiter be told of misses once more, and nobody else', async () => {
  const heard = (count: number): Heard[] => [
    [nullArray],
    [simple('PONG'), ...Array(count).fill(keymiss('a'))],
  ];
  const waiting = turnsOf('0> XREAD BLOCK 1 STREAMS a $', '1> PING');
  expect(await signature(waiting, heard(2), heard(4))).toBeUndefined();
  expect(await signature(turnsOf('0> GET a', '1> PING'), heard(2), heard(4))).toBe('messages PING');
});

it('lets SORT miss keys in any order, and nobody else', async () => {
  const heard = (...keys: string[]): Heard[] => [[array()], [simple('PONG'), ...keys.map(keymiss)]];
  const sorting = turnsOf('0> SORT z BY missing_*', '1> PING');
  expect(await signature(sorting, heard('a', 'b'), heard('b', 'a'))).toBeUndefined();
  const getting = turnsOf('0> MGET a b', '1> PING');
  expect(await signature(getting, heard('a', 'b'), heard('b', 'a'))).toBe('message pmessage PING');
});

it('lets who waits be served by a store into the key, and by nothing else that Redis does not serve him by', async () => {
  const heard = (reply: WireReply): Heard[] => [[reply], [integer('1')]];
  const of = (line: string): Turn[] => turnsOf('0> BZPOPMIN k 0', line);
  const differs = (line: string) => signature(of(line), heard(nullArray), heard(popped));
  expect(await differs('1> ZUNIONSTORE k 1 z')).toBeUndefined();
  expect(await differs('1> ZUNIONSTORE other 1 z')).toBe('reply BZPOPMIN: * | *');
  expect(await differs('1> RESTORE k 0 x')).toBe('reply BZPOPMIN: * | *');
  const stored = of('1> ZUNIONSTORE k 1 z');
  expect(await signature(stored, heard(popped), heard(nullArray))).toBe('reply BZPOPMIN: * | *');
});
