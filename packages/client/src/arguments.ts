/**
 * What callers pass, checked at the call, where the mistake is: later it would be sent in one message with the calls of
 * others. Each function says what is wrong, or null.
 */
import { KvError } from '@holdfast/common';
import { abortedError } from './aborting.js';
import type { Bytes, Comparison, Freshness, ScanOptions } from './key-value-store.js';

const freshnessNames: readonly Freshness[] = ['linearizable', 'lease', 'stale'];

/** All options that a call may have. */
interface Options {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly freshness?: Freshness;
  readonly ttlMs?: number;
  readonly expectedVersion?: number;
  readonly limit?: number;
  readonly protocol?: number;
  readonly resumeToken?: Uint8Array | null;
}

export function bytesProblem(what: string, value: unknown): KvError | null {
  if (isBytes(value)) return null;
  return invalid(`${what} must be a string or a Uint8Array, not ${nameOf(value)}`);
}

export function keysProblem(keys: unknown): KvError | null {
  if (!Array.isArray(keys)) return invalid(`keys must be an array, not ${nameOf(keys)}`);
  for (const key of keys) if (!isBytes(key)) return bytesProblem('a key', key);
  return null;
}

/** Of a command's name and arguments, which may be numbers, too. */
export function commandProblem(args: unknown): KvError | null {
  if (!Array.isArray(args)) {
    return invalid(`a command must be an array of its name and arguments, not ${nameOf(args)}`);
  }
  if (args.length === 0) return invalid('there is no command to execute');
  for (let i = 0; i < args.length; i++) {
    const arg: unknown = args[i];
    if (typeof arg !== 'number' && !isBytes(arg)) {
      return bytesProblem(`argument ${i} of a command`, arg);
    }
  }
  return null;
}

export function transactionProblem(commands: unknown, compare: readonly Comparison[]): KvError | null {
  if (!Array.isArray(commands)) return invalid(`commands must be an array, not ${nameOf(commands)}`);
  for (const { key, expectedVersion } of compare) {
    const problem = bytesProblem('a compared key', key);
    if (problem !== null) return problem;
    if (!isVersion(expectedVersion)) return invalid(badVersion);
  }
  for (const command of commands) {
    const problem = commandProblem(command);
    if (problem !== null) return problem;
  }
  return null;
}

export function selectionProblem(selection: unknown): KvError | null {
  if (typeof selection === 'object' && selection !== null) {
    const { prefix, start, end } = selection as { prefix?: unknown; start?: unknown; end?: unknown };
    if (isBytes(prefix) || (isBytes(start) && (end === undefined || isBytes(end)))) return null;
  }
  return invalid('a selection is { prefix } or { start, end }, of strings or Uint8Arrays');
}

export function scanProblem(options: ScanOptions): KvError | null {
  const problem = optionsProblem(options);
  if (problem !== null || options.selection === undefined) return problem;
  return selectionProblem(options.selection);
}

export function optionsProblem(options: Options | undefined): KvError | null {
  if (options === undefined) return null;
  if (typeof options !== 'object' || options === null) {
    return invalid(`options must be an object, not ${nameOf(options)}`);
  }
  const { timeoutMs, signal, freshness, ttlMs, expectedVersion, limit, protocol, resumeToken } = options;
  if (timeoutMs !== undefined && !(timeoutMs >= 0)) return invalid('timeoutMs must be a number, 0 or more');
  if (freshness !== undefined && !freshnessNames.includes(freshness)) {
    return invalid(`freshness must be ${freshnessNames.join(', ')}`);
  }
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs > 0)) {
    return invalid('ttlMs must be a positive integer');
  }
  if (expectedVersion !== undefined && !isVersion(expectedVersion)) return invalid(badVersion);
  if (limit !== undefined && limit !== Number.POSITIVE_INFINITY && !isVersion(limit)) {
    return invalid('limit must be an integer, 0 or more');
  }
  if (resumeToken !== undefined && resumeToken !== null && !isBytes(resumeToken)) {
    return bytesProblem('resumeToken', resumeToken);
  }
  if (protocol !== undefined && protocol !== 2 && protocol !== 3) return invalid('protocol must be 2 or 3');
  if (signal === undefined) return null;
  if (typeof signal?.addEventListener !== 'function') return invalid('signal must be an AbortSignal');
  if (signal.aborted) return abortedError(signal, 'UNAVAILABLE');
  return null;
}

const badVersion = 'expectedVersion must be an integer, 0 or more';

function isVersion(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Also what comes from another realm, as in the sandbox of a test runner. */
function isBytes(value: unknown): value is Bytes {
  if (typeof value === 'string') return true;
  return ArrayBuffer.isView(value) && (value as Uint8Array).BYTES_PER_ELEMENT === 1;
}

function nameOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}

function invalid(message: string): KvError {
  return new KvError('INVALID', message);
}
