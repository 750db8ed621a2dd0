/** Results written by hand, read by the generated code. */
import { type Reply, textOf, ValueReply } from '@holdfast/common';
import { kv } from '@holdfast/rpc';
import { describe, expect, it } from 'vitest';
import { operations } from './decoder.js';
import { replyBytesMax } from './limits.js';
import { ResultReply } from './reply.js';
import { valueMessage } from './value.js';

type Operation = (typeof operations)[keyof typeof operations];

function resultOf(operation: Operation, version: number, write: (reply: Reply) => void): kv.Result {
  const reply = new ResultReply();
  reply.begin(operation, Buffer.from([0xac, 0x02]), 0, 2);
  write(reply);
  reply.end(version);
  const { results } = kv.BatchResponse.decode(reply.out.take());
  expect(results).toHaveLength(1);
  expect(results[0].id).toBe(300);
  return results[0];
}

const some = Buffer.from('some bytes');

/** Every shape of a reply, as commands write it. */
const shapes: [string, (reply: Reply) => void][] = [
  ['a status', (reply) => reply.simple('QUEUED')],
  ['OK', (reply) => reply.ok()],
  ['null', (reply) => reply.null()],
  ['a null array', (reply) => reply.nullArray()],
  ['bytes', (reply) => reply.bulk(some, 5, 5)],
  ['no bytes', (reply) => reply.bulk(some, 0, 0)],
  ['a large value', (reply) => reply.bulk(Buffer.alloc(20_000, 'x'), 0, 20_000)],
  ['a text', (reply) => reply.text('täxt')],
  ['a text of bytes that are no UTF-8', (reply) => reply.text(textOf(Buffer.from('a\xffb', 'latin1')))],
  ['a byte string', (reply) => reply.byteString('\xff\0')],
  ['a double', (reply) => reply.double(1.5)],
  ['infinity', (reply) => reply.double(Number.NEGATIVE_INFINITY)],
  ['true', (reply) => reply.boolean(true)],
  ['false', (reply) => reply.boolean(false)],
  ['a big integer', (reply) => reply.bigInteger(-(2n ** 63n))],
  ['a big number', (reply) => reply.bigNumber('123456789012345678901234567890')],
  ['a verbatim text', (reply) => reply.verbatim('txt', 'hello')],
  ['an empty array', (reply) => reply.array(0)],
  ['an empty map', (reply) => reply.map(0)],
  ['an empty set', (reply) => reply.set(0)],
  [
    'nested aggregates',
    (reply) => {
      reply.array(4);
      reply.map(1);
      reply.text('key');
      reply.set(2);
      reply.integer(1);
      reply.null();
      reply.error('WRONGTYPE no');
      reply.array(1);
      reply.ok();
      reply.push(1);
      reply.double(2.5);
    },
  ],
];

describe('ResultReply', () => {
  it.each(shapes)('writes %s as the generated code does', (_name, write) => {
    const values = new ValueReply(3);
    write(values);
    const value = kv.Value.decode(kv.Value.encode(valueMessage(values.take()!)).finish());
    for (const version of [0, 1, 127, 128, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const { outcome } = resultOf(operations.execute, version, write);
      expect(outcome).toEqual({ $case: 'execute', value: { value, version } });
    }
  });

  it.each([0, 1, -1, 127, 128, -128, 2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'writes the integer %d',
    (n) => {
      const { outcome } = resultOf(operations.execute, 9, (reply) => reply.integer(n));
      const kind = { $case: 'integer', value: n };
      expect(outcome).toEqual({ $case: 'execute', value: { value: { kind }, version: 9 } });
    },
  );

  it.each([
    [1, -1],
    [2 ** 41, 0],
    [Number.MAX_SAFE_INTEGER, 123_456_789_012],
  ])('writes what KV.GET found at version %d with %d ms to live', (version, ttlMs) => {
    const { outcome } = resultOf(operations.get, 5, (reply) => {
      reply.array(3);
      reply.integer(version);
      reply.integer(ttlMs);
      reply.bulk(some, 0, 4);
    });
    const found = { found: true, value: Buffer.from('some'), version, ...(ttlMs >= 0 && { ttlMs }) };
    expect(outcome).toEqual({ $case: 'get', value: found });
  });

  it('writes that KV.GET found nothing', () => {
    const { outcome } = resultOf(operations.get, 0, (reply) => reply.nullArray());
    expect(outcome).toEqual({ $case: 'get', value: { found: false, value: Buffer.alloc(0), version: 0 } });
  });

  it.each([1, 2 ** 41])('writes version %d of KV.PUT and KV.DEL', (version) => {
    const write = (reply: Reply): void => reply.integer(version);
    expect(resultOf(operations.put, 0, write).outcome).toEqual({ $case: 'put', value: { version } });
    expect(resultOf(operations.delete, 0, write).outcome).toEqual({
      $case: 'delete',
      value: { deleted: true, version },
    });
  });

  it('writes that KV.DEL found nothing', () => {
    const { outcome } = resultOf(operations.delete, 0, (reply) => reply.integer(0));
    expect(outcome).toEqual({ $case: 'delete', value: { deleted: false, version: 0 } });
  });

  it.each(Object.values(operations))('writes errors of operation %d', (operation) => {
    const { outcome } = resultOf(operation, 77, (reply) => reply.error('VERSION_MISMATCH the key\r\nis'));
    expect(outcome).toEqual({
      $case: 'error',
      value: { status: 10, reason: 'VERSION_MISMATCH', message: 'VERSION_MISMATCH the key  is', version: 77 },
    });
  });

  it('writes replies that came later as values', () => {
    const late = (operation: Operation, value: Parameters<ResultReply['value']>[0]): kv.Result['outcome'] =>
      resultOf(operation, 4, (reply) => (reply as ResultReply).value(value)).outcome;
    expect(late(operations.get, [8, -1, some])).toEqual({
      $case: 'get',
      value: { found: true, value: some, version: 8 },
    });
    expect(late(operations.get, null)).toMatchObject({ $case: 'get', value: { found: false } });
    expect(late(operations.put, 8)).toEqual({ $case: 'put', value: { version: 8 } });
    expect(late(operations.execute, [1, some])).toMatchObject({ $case: 'execute', value: { version: 4 } });
  });

  it('says that a value is too large for a message', () => {
    const { outcome } = resultOf(operations.execute, 0, (reply) =>
      reply.bulk(new Uint8Array(replyBytesMax + 1), 0, replyBytesMax + 1),
    );
    expect(outcome).toMatchObject({ $case: 'error', value: { status: 8, reason: 'LIMIT' } });
  });
});
