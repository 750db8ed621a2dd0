/** Simple objects as they are, beside the models that describe them: for histories that are right by construction. */
import { type Random, randomBelow } from '@holdfast/common';
import type { Json } from '../history/operation.js';
import type { CounterInput } from '../models/counter.js';
import type { ListInput } from '../models/list.js';
import type { RegisterInput, RegisterValue } from '../models/register.js';
import type { SetInput } from '../models/set.js';
import type { TransactionInput } from '../models/transactions.js';
import type { VersionedInput } from '../models/versioned-register.js';
import type { Subject } from './random-history.js';

/** Registers over the values 1 to `values`; 0 for values that are all different. */
export function registerSubject(values: number): Subject<RegisterInput> {
  let lastValue = 0;
  const someValue = (random: Random) => (values === 0 ? ++lastValue : 1 + randomBelow(random, values));
  const seen = (random: Random) =>
    Math.max(1, someValue(random) - (values === 0 ? randomBelow(random, 4) : 0));
  return {
    make() {
      let value: RegisterValue = null;
      return (input) => {
        const before = value;
        if (input.op === 'set' || input.op === 'swap') value = input.value;
        if (input.op === 'cas' && before === input.expected) value = input.value;
        if (input.op === 'delete') value = null;
        if (input.op === 'cas') return before === input.expected;
        return input.op === 'delete' ? before !== null : input.op === 'set' ? 'OK' : before;
      };
    },
    randomInput(random) {
      const kind = randomBelow(random, 10);
      if (kind < 4) return { op: 'get' };
      if (kind < 7) return { op: 'set', value: someValue(random) };
      if (kind < 8) return { op: 'cas', expected: seen(random), value: someValue(random) };
      return kind < 9 ? { op: 'swap', value: someValue(random) } : { op: 'delete' };
    },
  };
}

export const versionedSubject: Subject<VersionedInput> = {
  make() {
    let value: RegisterValue = null;
    let version = 0;
    let last = 0;
    return (input) => {
      const write = (written: RegisterValue): number => {
        value = written;
        version = ++last;
        return version;
      };
      switch (input.op) {
        case 'get':
          return value === null ? null : { value, version };
        case 'set':
          return write(input.value);
        case 'cas':
          return version === input.expected ? write(input.value) : null;
        case 'delete': {
          const existed = value !== null;
          value = null;
          version = 0;
          return existed;
        }
      }
    };
  },
  randomInput(random) {
    const kind = randomBelow(random, 20);
    if (kind < 8) return { op: 'get' };
    if (kind < 17) return { op: 'set', value: randomBelow(random, 5) };
    if (kind < 19) return { op: 'cas', expected: randomBelow(random, 4), value: randomBelow(random, 3) };
    return { op: 'delete' };
  },
};

export const counterSubject: Subject<CounterInput> = {
  make() {
    let value = 0;
    return (input) => {
      if (input.op === 'add') value += input.by;
      return value;
    };
  },
  randomInput: (random) =>
    randomBelow(random, 3) === 0 ? { op: 'get' } : { op: 'add', by: randomBelow(random, 4) - 1 },
};

/** Without looks at the whole, the set can be checked by member. */
export function setSubject(isSeenWhole: boolean): Subject<SetInput> {
  return {
    make() {
      const members = new Set<string>();
      return (input) => {
        switch (input.op) {
          case 'add':
            return members.size < members.add(input.member).size;
          case 'remove':
            return members.delete(input.member);
          case 'contains':
            return members.has(input.member);
          case 'members':
            return [...members];
          case 'size':
            return members.size;
        }
      };
    },
    randomInput(random) {
      const member = 'abc'[randomBelow(random, 3)];
      const kind = randomBelow(random, isSeenWhole ? 7 : 5);
      if (kind < 2) return { op: 'add', member };
      if (kind < 4) return { op: 'remove', member };
      return kind === 4 ? { op: 'contains', member } : { op: kind === 5 ? 'members' : 'size' };
    },
  };
}

export const listSubject: Subject<ListInput> = {
  make() {
    const elements: Json[] = [];
    return (input) => {
      switch (input.op) {
        case 'pushLeft':
          for (const value of input.values) elements.unshift(value);
          return elements.length;
        case 'pushRight':
          return elements.push(...input.values);
        case 'popLeft':
          return elements.shift() ?? null;
        case 'popRight':
          return elements.pop() ?? null;
        case 'length':
          return elements.length;
        case 'range':
          return [...elements];
      }
    };
  },
  randomInput(random) {
    const values = Array.from({ length: 1 + randomBelow(random, 2) }, () => randomBelow(random, 3));
    const inputs: ListInput[] = [
      { op: 'pushLeft', values },
      { op: 'pushRight', values },
      { op: 'popLeft' },
      { op: 'popRight' },
      { op: 'length' },
      { op: 'range' },
    ];
    return inputs[randomBelow(random, inputs.length)];
  },
};

/** Transactions of one to three steps over the keys a, b and c, or over one alone. */
export function transactionSubject<Input extends Json>(
  subject: Subject<Input>,
): Subject<TransactionInput<Input>> {
  return {
    make() {
      const objects = new Map([...'abc'].map((key) => [key, subject.make()]));
      return (steps) => steps.map(({ key, input }) => objects.get(key)?.(input) ?? null);
    },
    randomInput: (random) =>
      Array.from({ length: 1 + randomBelow(random, 3) }, () => ({
        key: 'abc'[randomBelow(random, 3)],
        input: subject.randomInput(random),
      })),
  };
}
