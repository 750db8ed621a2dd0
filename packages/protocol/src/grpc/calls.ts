/** The unary calls and Scan: each is a caller of its own, which ends with the call. */
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerErrorResponse,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { batchKeysMax, ErrorReply, emptyBytes, KvError, type ReplyValue } from '@holdfast/common';
import {
  type Answer,
  allKeys,
  type Caller,
  deleteRange,
  entryOf,
  type KeyInterval,
  prefixInterval,
  type ScanEntry,
  type ScanRoom,
  scanRange,
  transact,
  unsupportedArguments,
} from '@holdfast/coord';
import { kv, messageBytesMax } from '@holdfast/rpc';
import { type AdmissionContext, type Chosen, choose } from './admission.js';
import type { Admitted } from './admitted-call.js';
import { callStatus, errorOf } from './errors.js';
import { replyBytesMax } from './limits.js';
import { valueMessage, valueOrErrorMessage } from './value.js';

export interface CallContext extends AdmissionContext {
  readonly room: ScanRoom;
}

type Unary<Q, A> = (caller: Caller, request: Q, context: CallContext) => Promise<A>;

interface Method<A> {
  responseSerialize(response: A): Buffer;
}

/** The handler's responses are messages: what does not fit one is said by us, as everywhere else. */
function unary<Q extends Chosen, A>(
  context: CallContext,
  method: Method<A>,
  body: Unary<Q, A>,
): handleUnaryCall<Admitted<Q>, Buffer> {
  const answer = async (call: Parameters<handleUnaryCall<Admitted<Q>, Buffer>>[0]): Promise<Buffer> => {
    const { caller, request } = call.request;
    try {
      checkReadable(request);
      choose(caller, context, call.metadata, request);
      const message = method.responseSerialize(await body(caller, request, context));
      if (message.length > messageBytesMax) throw tooLarge(messageBytesMax);
      return message;
    } finally {
      caller.close();
    }
  };
  return (call, callback) => {
    answer(call).then(
      (response) => callback(null, response),
      (error: unknown) => callback(callStatus(error) as ServerErrorResponse),
    );
  };
}

export function unaryCalls(context: CallContext) {
  return {
    get: unary(context, kv.KVService.get, get),
    batchGet: unary(context, kv.KVService.batchGet, batchGet),
    put: unary(context, kv.KVService.put, put),
    delete: unary(context, kv.KVService.delete, remove),
    deleteRange: unary(context, kv.KVService.deleteRange, removeRange),
    execute: unary(context, kv.KVService.execute, execute),
    transact: unary(context, kv.KVService.transact, transactAll),
  };
}

async function get(caller: Caller, { key }: kv.GetRequest): Promise<kv.GetResponse> {
  const { value } = await run(caller, ['KV.GET', key]);
  if (value === null) return { found: false, value: emptyBytes, version: 0 };
  const [version, ttl, content] = value as [number, number, Buffer];
  if (content.length > replyBytesMax) throw tooLarge();
  return { found: true, value: content, version, ...ttlField(ttl < 0 ? null : ttl) };
}

async function batchGet(caller: Caller, { keys }: kv.BatchGetRequest): Promise<kv.BatchGetResponse> {
  checkCount(keys.length, 'keys');
  if (keys.length === 0) return { entries: [] };
  const { value } = await run(caller, ['KV.MGET', ...keys]);
  const entries = (value as ReplyValue[]).map((item, i) => entryMessage(entryOf(keys[i], item), keys[i]));
  const bytes = entries.reduce((sum, entry) => sum + entry.key.length + entry.value.length + 64, 0);
  if (bytes > messageBytesMax) throw tooLarge(messageBytesMax);
  return { entries };
}

async function put(caller: Caller, request: kv.PutRequest): Promise<kv.PutResponse> {
  const args: (string | Buffer)[] = ['KV.PUT', request.key, request.value];
  if (request.ttlMs !== undefined) args.push('TTL', String(request.ttlMs));
  if (request.expectedVersion !== undefined) args.push('VERSION', String(request.expectedVersion));
  if (request.onlyIfAbsent) {
    if ((request.expectedVersion ?? 0) !== 0) {
      throw new KvError('INVALID', 'only_if_absent contradicts expected_version');
    }
    args.push('ABSENT');
  }
  const { value } = await run(caller, args);
  return { version: value as number };
}

async function remove(caller: Caller, request: kv.DeleteRequest): Promise<kv.DeleteResponse> {
  const args: (string | Buffer)[] = ['KV.DEL', request.key];
  if (request.expectedVersion !== undefined) args.push('VERSION', String(request.expectedVersion));
  const version = (await run(caller, args)).value as number;
  return { deleted: version !== 0, version };
}

function removeRange(
  caller: Caller,
  { selection }: kv.DeleteRangeRequest,
  { room }: CallContext,
): Promise<kv.DeleteRangeResponse> {
  if (selection === undefined) throw new KvError('INVALID', 'a prefix or a range is required');
  return deleteRange({ caller, room }, intervalOf(selection));
}

async function execute(caller: Caller, request: kv.ExecuteRequest): Promise<kv.ExecuteResponse> {
  const { value, version } = await run(caller, checked(caller, request.args, request.protocol));
  return { value: valueMessage(value), version };
}

async function transactAll(caller: Caller, request: kv.TransactRequest): Promise<kv.TransactResponse> {
  checkCount(request.compare.length, 'comparisons');
  checkCount(request.commands.length, 'commands');
  const commands = request.commands.map(({ args }) => checked(caller, args, request.protocol));
  const { value, version } = succeeded(await transact(caller, request.compare, commands));
  return { values: (value as ReplyValue[]).map(valueOrErrorMessage), version };
}

/** Scan: pages as they are found, no faster than they are read. */
export function scanCall(
  context: CallContext,
): handleServerStreamingCall<Admitted<kv.ScanRequest>, kv.ScanResponse> {
  return (call) => {
    scan(context, call).then(
      () => call.end(),
      (error: unknown) => {
        if (!call.cancelled) call.emit('error', callStatus(error));
      },
    );
  };
}

type ScanCall = ServerWritableStream<Admitted<kv.ScanRequest>, kv.ScanResponse>;

async function scan(context: CallContext, call: ScanCall): Promise<void> {
  const { caller, request } = call.request;
  try {
    checkReadable(request);
    choose(caller, context, call.metadata, request);
    const { selection, reverse, limit, keysOnly, resumeToken } = request;
    const options = {
      interval: selection === undefined ? allKeys : intervalOf(selection),
      isReverse: reverse,
      limit: limit === 0 ? Number.POSITIVE_INFINITY : limit,
      keysOnly,
      resumeToken,
    };
    const { room } = context;
    for await (const page of scanRange({ caller, room }, options)) {
      for (const { value } of page.entries)
        if (value !== null && value.length > replyBytesMax) throw tooLarge();
      const entries = page.entries.map((entry) => entryMessage(entry, entry.key));
      if (!call.write({ entries, resumeToken: page.resumeToken ?? emptyBytes })) await drained(call);
    }
  } finally {
    caller.close();
  }
}

/** The client has read, or has gone: then the scan's next step finds its caller closed. */
function drained(call: ScanCall): Promise<void> {
  if (call.cancelled) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      call.off('drain', end);
      call.off('cancelled', end);
      resolve();
    };
    call.once('drain', end);
    call.once('cancelled', end);
  });
}

/** See bounded-requests.ts. */
function checkReadable(request: unknown): void {
  if (request instanceof KvError) throw request;
}

async function run(caller: Caller, args: readonly (string | Uint8Array)[]): Promise<Answer> {
  return succeeded(await caller.run(args));
}

function succeeded(answer: Answer): Answer {
  if (answer.value instanceof ErrorReply) throw errorOf(answer.value, answer.version);
  return answer;
}

/** The arguments of a command that has no connection, whose reply is to have the shape of `protocol`. */
function checked(caller: Caller, args: readonly Buffer[], protocol: number): readonly Buffer[] {
  if (args.length === 0) throw new KvError('INVALID', 'there is no command to execute');
  if (protocol !== 0 && protocol !== 2 && protocol !== 3) {
    throw new KvError('INVALID', 'protocol must be 2 or 3');
  }
  caller.session.dialect = protocol === 2 ? 2 : 3;
  const refusal = unsupportedArguments(args);
  if (refusal !== null) throw new KvError('COMMAND', refusal, { reply: 'UNSUPPORTED' });
  return args;
}

function intervalOf(selection: NonNullable<kv.ScanRequest['selection']>): KeyInterval {
  if (selection.$case === 'prefix') return prefixInterval(selection.value);
  const { start, end } = selection.value;
  return { from: start, to: end.length === 0 ? null : end };
}

/** An entry; null for a key that is not there. */
function entryMessage(entry: ScanEntry | null, key: Buffer): kv.Entry {
  if (entry === null) return { key, type: 0, value: emptyBytes, version: 0 };
  const { type, value, version, ttlMs } = entry;
  return { key, type: type as kv.ValueType, value: value ?? emptyBytes, version, ...ttlField(ttlMs) };
}

function ttlField(ttlMs: number | null): { ttlMs?: number } {
  return ttlMs === null ? {} : { ttlMs };
}

function checkCount(count: number, what: string): void {
  if (count > batchKeysMax) throw new KvError('LIMIT', `at most ${batchKeysMax} ${what} at a time`);
}

function tooLarge(bytesMax = replyBytesMax): KvError {
  return new KvError('LIMIT', `the reply has more than ${bytesMax} bytes`);
}
