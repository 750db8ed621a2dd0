/** The codec by hand against the generated one. */

import { KvError, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { kv, WireWriter } from '@holdfast/rpc';
import { describe, expect, it } from 'vitest';
import { encodeCancel, encodeCommand, operations, PendingCommand, ResultDecoder } from './codec.js';
import type { Bytes } from './key-value-store.js';

const random = new SeededRandom(7);

function pick<T>(...choices: T[]): T {
  return choices[randomBelow(random, choices.length)];
}

function someBytes(): Buffer {
  return random.fill(Buffer.alloc(pick(0, 1, 5, 127, 128, 300)));
}

function someNumber(): number {
  return pick(0, 1, 127, 128, 16_384, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 40 + 3, Number.MAX_SAFE_INTEGER);
}

function commandOf(
  fields: Partial<PendingCommand> & { operation: PendingCommand['operation']; args: Bytes[] },
) {
  return new PendingCommand(
    fields.operation,
    fields.args,
    fields.ttlMs ?? -1,
    fields.expectedVersion ?? -1,
    fields.onlyIfAbsent ?? false,
    undefined,
    fields.protocol ?? 3,
    fields.freshness ?? 0,
    Number.POSITIVE_INFINITY,
    () => {},
    () => {},
  );
}

function someCommand(): [PendingCommand, kv.Command] {
  const [key, value] = [someBytes(), someBytes()];
  const [ttlMs, expectedVersion] = [pick(undefined, someNumber()), pick(undefined, someNumber())];
  const optional = {
    ...(ttlMs !== undefined && { ttlMs }),
    ...(expectedVersion !== undefined && { expectedVersion }),
  };
  const text = pick('k', 'ключ', 'x'.repeat(100));
  const onlyIfAbsent = pick(true, false);
  const protocol = pick<2 | 3>(2, 3);
  const freshness = pick<kv.Freshness>(0, 1, 2, 3);
  const how = freshness === 0 ? {} : { freshness };
  switch (pick('get', 'put', 'delete', 'execute')) {
    case 'get':
      return [
        commandOf({ operation: operations.get, args: [key], ...how }),
        { id: 0, operation: { $case: 'get', value: { key, ...how } } },
      ];
    case 'put':
      return [
        commandOf({ operation: operations.put, args: [key, value], ...optional, onlyIfAbsent }),
        { id: 0, operation: { $case: 'put', value: { key, value, ...optional, onlyIfAbsent } } },
      ];
    case 'delete': {
      const expected = expectedVersion === undefined ? {} : { expectedVersion };
      return [
        commandOf({ operation: operations.delete, args: [key], ...expected }),
        { id: 0, operation: { $case: 'delete', value: { key, ...expected } } },
      ];
    }
    default:
      return [
        commandOf({ operation: operations.execute, args: [text, key, value], protocol, ...how }),
        {
          id: 0,
          operation: {
            $case: 'execute',
            value: { args: [Buffer.from(text), key, value], protocol: protocol === 2 ? 2 : 0, ...how },
          },
        },
      ];
  }
}

describe('the codec of Batch messages', () => {
  it('writes what the generated code reads', () => {
    for (let round = 0; round < 100; round++) {
      const out = new WireWriter(16);
      const expected: kv.Command[] = [];
      for (let i = 0; i < 10; i++) {
        const [command, message] = someCommand();
        command.id = Math.max(1, someNumber());
        encodeCommand(command, out);
        expected.push({ ...message, id: command.id });
      }
      const cancel = [1, 300];
      for (const id of cancel) encodeCancel(id, out);
      const decoded = kv.BatchRequest.decode(out.take());
      expect(decoded).toEqual({ commands: expected, cancel });
    }
  });

  it('reads what the generated code writes', async () => {
    for (let round = 0; round < 100; round++) {
      const results: kv.Result[] = [];
      const expected: unknown[] = [];
      const answers: Promise<unknown>[] = [];
      const commands: PendingCommand[] = [];
      for (let i = 1; i <= 10; i++) {
        const [value, version] = [someBytes(), someNumber()];
        const kind = pick('get', 'missing', 'put', 'delete', 'execute', 'error');
        const ttlMs = pick(undefined, someNumber());
        const operation = kind in operations ? operations[kind as keyof typeof operations] : operations.get;
        answers.push(
          new Promise((resolve, reject) => {
            commands.push(
              new PendingCommand(operation, [], -1, -1, false, undefined, 3, 0, 0, resolve, reject),
            );
          }).catch((error: Error) => error.message),
        );
        if (kind === 'get') {
          const found = { found: true, value, version, ...(ttlMs !== undefined && { ttlMs }) };
          results.push({ id: i, outcome: { $case: 'get', value: found } });
          expected.push({ value, version, ttlMs: ttlMs ?? null });
        } else if (kind === 'missing') {
          results.push({
            id: i,
            outcome: { $case: 'get', value: { found: false, value: Buffer.alloc(0), version: 0 } },
          });
          expected.push(null);
        } else if (kind === 'put') {
          results.push({ id: i, outcome: { $case: 'put', value: { version } } });
          expected.push(version);
        } else if (kind === 'delete') {
          results.push({ id: i, outcome: { $case: 'delete', value: { deleted: version !== 0, version } } });
          expected.push(version);
        } else if (kind === 'execute') {
          const items = [
            { kind: { $case: 'bytes' as const, value } },
            { kind: { $case: 'null' as const, value: {} } },
          ];
          const reply: kv.Value = { kind: { $case: 'array', value: { items } } };
          results.push({ id: i, outcome: { $case: 'execute', value: { value: reply, version } } });
          expected.push([value, null]);
        } else {
          const error = { status: 9, reason: 'WRONGTYPE', message: 'WRONGTYPE no', version: 0 };
          results.push({ id: i, outcome: { $case: 'error', value: error } });
          expected.push('WRONGTYPE no');
        }
      }
      const decoder = new ResultDecoder();
      decoder.open(Buffer.from(kv.BatchResponse.encode({ results }).finish()));
      while (decoder.next()) decoder.settle(commands[decoder.id - 1]);
      expect(await Promise.all(answers)).toEqual(expected);
    }
  });

  it('refuses an answer that the generated code can not read, and tells who waits', async () => {
    let value: kv.Value = { kind: { $case: 'null', value: {} } };
    for (let i = 0; i < 200; i++) value = { kind: { $case: 'array', value: { items: [value] } } };
    const results: kv.Result[] = [{ id: 1, outcome: { $case: 'execute', value: { value, version: 0 } } }];
    const decoder = new ResultDecoder();
    decoder.open(Buffer.from(kv.BatchResponse.encode({ results }).finish()));
    decoder.next();
    const answer = new Promise((resolve, reject) => {
      const { execute } = operations;
      const command = new PendingCommand(execute, [], -1, -1, false, undefined, 3, 0, 0, resolve, reject);
      expect(() => decoder.settle(command)).toThrow(KvError);
    });
    await expect(answer).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  it('refuses what is no message', () => {
    const whole = Buffer.from(
      kv.BatchResponse.encode({
        results: [{ id: 1, outcome: { $case: 'put', value: { version: 2 ** 40 } } }],
      }).finish(),
    );
    for (let length = 1; length < whole.length; length++) {
      const decoder = new ResultDecoder();
      decoder.open(whole.subarray(0, length));
      expect(() => {
        while (decoder.next());
      }, `${length} bytes`).toThrow('not valid protobuf');
    }
  });
});
