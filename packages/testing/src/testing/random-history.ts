/**
 * Histories of an object that is linearizable, because each operation takes effect at one moment between its
 * invocation and its completion; and ways to break them.
 */
import { type Random, randomBelow } from '@holdfast/common';
import type { Invocation } from '../history/history.js';
import { History } from '../history/history.js';
import type { Json, Operation } from '../history/operation.js';

/** An object as it is, and calls of it. */
export interface Subject<Input extends Json> {
  /** A new object; it applies operations and returns their outputs. */
  make(): (input: Input) => Json;
  randomInput(random: Random): Input;
}

export interface HistoryShape {
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Of 100 operations, so many have an unknown outcome; half of them take effect, some of them late. */
  readonly unknownPercent: number;
}

interface Call {
  readonly input: Json;
  readonly key: string;
  readonly invocation: Invocation;
  readonly isUnknown: boolean;
  isApplied: boolean;
  output: Json;
}

export function randomHistory<Input extends Json>(
  random: Random,
  subject: Subject<Input>,
  shape: HistoryShape,
): History {
  let now = 0;
  const history = new History({ clock: () => now });
  const objects = Array.from({ length: shape.keys }, () => subject.make());
  const calls: (Call | null)[] = new Array(shape.clients).fill(null);
  /** Effects of operations that nobody waits for any more. */
  const late: (() => void)[] = [];
  const begin = (client: number): Call => {
    const key = randomBelow(random, shape.keys);
    const input = subject.randomInput(random);
    const invocation = history.invoke(`client ${client}`, `key ${key}`, input);
    const isUnknown = randomBelow(random, 100) < shape.unknownPercent;
    return { input, key: String(key), invocation, isUnknown, isApplied: false, output: null };
  };
  const apply = (call: Call): void => {
    call.output = objects[Number(call.key)](call.input as Input);
    call.isApplied = true;
  };
  const giveUp = (call: Call): void => {
    call.invocation.unknown();
    if (!call.isApplied && randomBelow(random, 2) === 0) late.push(() => apply(call));
  };
  for (let left = shape.operations; left > 0 || calls.some((call) => call !== null); now += 10) {
    if (late.length > 0 && randomBelow(random, 8) === 0) late.shift()?.();
    const client = randomBelow(random, shape.clients);
    const call = calls[client];
    if (call === null) {
      if (left > 0) calls[client] = begin(client);
      if (left > 0) left--;
    } else if (call.isUnknown) {
      if (randomBelow(random, 2) === 0) apply(call);
      giveUp(call);
      calls[client] = null;
    } else if (!call.isApplied) {
      apply(call);
    } else {
      call.invocation.ok(call.output);
      calls[client] = null;
    }
  }
  return history;
}

/** The operations with one thing wrong: an output that another one returned, or a completion that is too early. */
export function broken(operations: readonly Operation[], random: Random): Operation[] {
  const changed = [...operations];
  const completed = changed.filter(({ outcome }) => outcome === 'ok');
  if (completed.length === 0) return changed;
  const victim = completed[randomBelow(random, completed.length)];
  const donor = completed[randomBelow(random, completed.length)];
  changed[changed.indexOf(victim)] =
    randomBelow(random, 3) === 0
      ? { ...victim, completedNs: victim.invokedNs }
      : { ...victim, output: donor.output };
  return changed;
}
