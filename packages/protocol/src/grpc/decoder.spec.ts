/** The decoder by hand against messages that the generated code wrote. */
import { type Request, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { kv } from '@holdfast/rpc';
import { describe, expect, it } from 'vitest';
import { CommandDecoder, operations } from './decoder.js';

const random = new SeededRandom(11);

function pick<T>(...choices: T[]): T {
  return choices[randomBelow(random, choices.length)];
}

function someBytes(): Buffer {
  return random.fill(Buffer.alloc(pick(0, 1, 16, 127, 128, 300)));
}

function someNumber(): number {
  return pick(1, 127, 128, 2 ** 28, 2 ** 31, 2 ** 40 + 3, Number.MAX_SAFE_INTEGER);
}

type Expected = {
  id: number;
  args: Buffer[];
  database: number;
  freshness: number;
  operation: number;
  protocol: number;
};

function someCommand(): [kv.Command, Expected] {
  const id = pick(0, someNumber());
  const [key, value] = [someBytes(), someBytes()];
  const database = pick(undefined, 0, 3);
  const ttlMs = pick(undefined, someNumber());
  const expectedVersion = pick(undefined, someNumber());
  const freshness = pick<kv.Freshness | undefined>(undefined, 0, 1, 2, 3);
  const how = { ...(freshness !== undefined && { freshness }) };
  const where = { ...(database !== undefined && { database }) };
  const version = { ...(expectedVersion !== undefined && { expectedVersion }) };
  const versionArgs = expectedVersion === undefined ? [] : ['VERSION', String(expectedVersion)];
  const common = { id, database: database ?? -1, freshness: 0, protocol: 3 };
  const expected = (operation: number, args: (string | Buffer)[]): Expected => ({
    ...common,
    operation,
    args: args.map((arg) => Buffer.from(arg as string)),
  });
  switch (pick('get', 'put', 'delete', 'execute')) {
    case 'get':
      return [
        { id, operation: { $case: 'get', value: { key, ...where, ...how } } },
        { ...expected(operations.get, ['KV.GET', key]), freshness: freshness ?? 0 },
      ];
    case 'put': {
      const onlyIfAbsent = expectedVersion === undefined && pick(true, false);
      const ttl = { ...(ttlMs !== undefined && { ttlMs }) };
      const ttlArgs = ttlMs === undefined ? [] : ['TTL', String(ttlMs)];
      return [
        {
          id,
          operation: { $case: 'put', value: { key, value, ...ttl, ...version, onlyIfAbsent, ...where } },
        },
        expected(operations.put, [
          'KV.PUT',
          key,
          value,
          ...ttlArgs,
          ...versionArgs,
          ...(onlyIfAbsent ? ['ABSENT'] : []),
        ]),
      ];
    }
    case 'delete':
      return [
        { id, operation: { $case: 'delete', value: { key, ...version, ...where } } },
        expected(operations.delete, ['KV.DEL', key, ...versionArgs]),
      ];
    default: {
      const args = [Buffer.from('SET'), ...Array.from({ length: pick(0, 1, 2, 100) }, someBytes)];
      const protocol = pick(0, 2, 3);
      return [
        { id, operation: { $case: 'execute', value: { args, protocol, ...where, ...how } } },
        {
          ...expected(operations.execute, args),
          freshness: freshness ?? 0,
          protocol: protocol === 2 ? 2 : 3,
        },
      ];
    }
  }
}

function argsOf(request: Request): Buffer[] {
  return Array.from({ length: request.count }, (_, i) => Buffer.from(request.copy(i)));
}

function idOf(decoder: CommandDecoder): number {
  const bytes = Buffer.from(decoder.id, 'latin1');
  return bytes.reduceRight((n, byte) => n * 128 + (byte & 0x7f), 0);
}

function decodeAll(message: Buffer): Expected[] {
  const decoder = new CommandDecoder();
  decoder.open(message);
  const found: Expected[] = [];
  while (decoder.next()) {
    expect(decoder.problem).toBe('');
    const { database, freshness, operation, protocol } = decoder;
    found.push({
      id: idOf(decoder),
      args: argsOf(decoder.request),
      database,
      freshness,
      operation,
      protocol,
    });
  }
  return found;
}

function encode(commands: kv.Command[], cancel: number[] = []): Buffer {
  return Buffer.from(kv.BatchRequest.encode({ commands, cancel }).finish());
}

function problemOf(operation: kv.Command['operation']): string {
  const decoder = new CommandDecoder();
  decoder.open(encode([{ id: 1, operation }]));
  expect(decoder.next()).toBe(true);
  return decoder.problem;
}

describe('CommandDecoder', () => {
  it('finds the commands that the generated code wrote', () => {
    for (let round = 0; round < 200; round++) {
      const pairs = Array.from({ length: pick(0, 1, 10) }, someCommand);
      const commands = pairs.map(([command]) => command);
      expect(decodeAll(encode(commands))).toEqual(pairs.map(([, expected]) => expected));
    }
  });

  it('has room for large values, and for small ones after them', () => {
    const value = Buffer.alloc(1_000_000, 'v');
    const key = Buffer.from('k');
    const put = (content: Buffer): kv.Command => ({
      id: 1,
      operation: { $case: 'put', value: { key, value: content, onlyIfAbsent: false } },
    });
    const [large, small] = decodeAll(encode([put(value), put(key)]));
    expect(large.args[2].equals(value)).toBe(true);
    expect(small.args).toEqual([Buffer.from('KV.PUT'), key, key]);
  });

  it('finds what is to be cancelled, packed or not', () => {
    const decoder = new CommandDecoder();
    decoder.open(Buffer.concat([encode([], [0, 1, 300]), Buffer.from([0x10, 7])]));
    expect(decoder.next()).toBe(false);
    const ids = decoder.cancelled.map((id) => [...Buffer.from(id, 'latin1')]);
    expect(ids).toEqual([[], [1], [0xac, 0x02], [7]]);
  });

  it('says what is wrong with a command', () => {
    const key = Buffer.from('k');
    expect(problemOf(undefined)).toBe('the command has no operation');
    expect(problemOf({ $case: 'execute', value: { args: [], protocol: 0 } })).toBe(
      'there is no command to execute',
    );
    expect(problemOf({ $case: 'execute', value: { args: [key], protocol: 4 } })).toBe(
      'protocol must be 2 or 3',
    );
    const put = { key, value: key, onlyIfAbsent: true, expectedVersion: 5 };
    expect(problemOf({ $case: 'put', value: put })).toBe('only_if_absent contradicts expected_version');
  });

  it('refuses versions that no key can have', () => {
    // KV.DEL of "k" at version 2^64 - 1.
    const operation = Buffer.from([0x0a, 1, 0x6b, 0x10, ...Array(9).fill(0xff), 1]);
    const command = Buffer.concat([Buffer.from([0x22, operation.length]), operation]);
    const decoder = new CommandDecoder();
    decoder.open(Buffer.concat([Buffer.from([0x0a, command.length]), command]));
    decoder.next();
    expect(decoder.problem).toBe('expected_version must be below 2^53');
  });

  it('refuses what is no message, wherever it was cut', () => {
    for (let round = 0; round < 50; round++) {
      const message = encode([someCommand()[0]]);
      for (let length = 1; length < message.length; length++) {
        const decoder = new CommandDecoder();
        decoder.open(message.subarray(0, length));
        expect(() => {
          while (decoder.next());
        }).toThrow('not valid protobuf');
      }
    }
  });

  it('lies within its message, whatever the bytes', () => {
    for (let round = 0; round < 5000; round++) {
      const message = random.fill(Buffer.alloc(randomBelow(random, 40)));
      if (message.length > 1) message[0] = 0x0a;
      const decoder = new CommandDecoder();
      decoder.open(message);
      try {
        while (decoder.next()) {
          for (let i = 0; i < decoder.request.count; i++) {
            expect(decoder.request.start(i) + decoder.request.length(i)).toBeLessThanOrEqual(
              decoder.request.bytes.length,
            );
          }
        }
      } catch (error) {
        expect((error as Error).message).toContain('not valid protobuf');
      }
    }
  });
});
