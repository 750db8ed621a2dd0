/** What holds for every Request and Reply, here as they come in messages of a Batch stream. */
import { formatDouble, type Request } from '@holdfast/common';
import {
  type ReplyMedium,
  type ReplyShape,
  replyConformance,
  requestConformance,
  showAsValue,
} from '@holdfast/common/testing';
import { kv } from '@holdfast/rpc';
import { describe, it } from 'vitest';
import { CommandDecoder, operations } from './decoder.js';
import { ResultReply } from './reply.js';

function decoded(): { next(args: readonly Uint8Array[]): Request } {
  const decoder = new CommandDecoder();
  return {
    next(args) {
      const value = { args: args.map((arg) => Buffer.from(arg)), protocol: 0 };
      const commands = [{ id: 1, operation: { $case: 'execute' as const, value } }];
      decoder.open(Buffer.from(kv.BatchRequest.encode({ commands, cancel: [] }).finish()));
      if (!decoder.next()) throw new Error('no command');
      return decoder.request;
    },
  };
}

describe('a request in a message', () => {
  for (const { name, run } of requestConformance) it(name, () => run(decoded()));
});

function shapeOf({ kind }: kv.Value): ReplyShape {
  switch (kind!.$case) {
    case 'null':
      return { kind: 'null' };
    case 'error':
      return { kind: 'error', text: kind.value.message };
    case 'bigInteger':
    case 'integer':
      return { kind: 'integer', text: String(kind.value) };
    case 'double':
      return { kind: 'double', text: formatDouble(kind.value) };
    case 'bytes':
      return { kind: 'bytes', text: kind.value.toString('latin1') };
    case 'array':
      return { kind: 'array', items: kind.value.items.map(shapeOf) };
    case 'set':
      return { kind: 'set', items: kind.value.members.map(shapeOf) };
    case 'map':
      return {
        kind: 'map',
        items: kind.value.pairs.flatMap(({ key, value }) => [shapeOf(key!), shapeOf(value!)]),
      };
    default:
      return { kind: kind!.$case, text: String(kind!.value) };
  }
}

function medium(): ReplyMedium {
  const reply = new ResultReply();
  return {
    reply,
    show: showAsValue,
    frame(write) {
      reply.begin(operations.execute, Buffer.from([1]), 0, 1);
      write();
      reply.end(5);
    },
    read() {
      const { results } = kv.BatchResponse.decode(reply.out.take());
      return results.map(({ outcome }) => {
        if (outcome?.$case === 'error') return { kind: 'error', text: outcome.value.message };
        return shapeOf((outcome as { value: kv.ExecuteResponse }).value.value!);
      });
    },
  };
}

describe('a result of Execute', () => {
  for (const { name, run } of replyConformance) it(name, () => run(medium()));
});
