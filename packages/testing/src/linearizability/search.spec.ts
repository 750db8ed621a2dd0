/** The search against its simple twin, on thousands of small histories, right by construction or broken. */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import type { Json, Operation } from '../history/operation.js';
import { counter } from '../models/counter.js';
import { list } from '../models/list.js';
import { register } from '../models/register.js';
import { set } from '../models/set.js';
import { transactions } from '../models/transactions.js';
import { versionedRegister } from '../models/versioned-register.js';
import { isLinearizableByBruteForce } from '../testing/brute-force.js';
import { broken, type HistoryShape, randomHistory, type Subject } from '../testing/random-history.js';
import {
  counterSubject,
  listSubject,
  registerSubject,
  setSubject,
  transactionSubject,
  versionedSubject,
} from '../testing/subjects.js';
import { type CheckResult, checkLinearizable } from './check.js';
import type { Counterexample } from './counterexample.js';
import type { Model } from './model.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const historyCount = 500;

interface Kind {
  readonly name: string;
  readonly model: Model<unknown, Json, Json>;
  readonly subject: Subject<Json>;
}

function kind<State, Input extends Json, Output extends Json>(
  name: string,
  model: Model<State, Input, Output>,
  subject: Subject<Input>,
): Kind {
  return { name, model: model as unknown as Kind['model'], subject: subject as unknown as Subject<Json> };
}

const kinds: Kind[] = [
  kind('registers of few values', register, registerSubject(2)),
  kind('registers of different values', register, registerSubject(0)),
  kind('versioned registers', versionedRegister, versionedSubject),
  kind('counters', counter, counterSubject),
  kind('sets', set, setSubject(true)),
  kind('sets, by member', set, setSubject(false)),
  kind('lists', list, listSubject),
  kind('transactions over registers', transactions(register), transactionSubject(registerSubject(2))),
  kind('transactions over counters', transactions(counter), transactionSubject(counterSubject)),
];

function shape(random: Random): HistoryShape {
  return {
    operations: 1 + randomBelow(random, 7),
    clients: 1 + randomBelow(random, 4),
    keys: 1,
    unknownPercent: [0, 20, 50][randomBelow(random, 3)],
  };
}

describe(`the search (HOLDFAST_SEED=${seed})`, () => {
  it.each(kinds)('finds an order of $name that are right', ({ model, subject }) => {
    const random = new SeededRandom(seed);
    for (let i = 0; i < historyCount; i++) {
      const history = randomHistory(random, subject, { ...shape(random), operations: 14 });
      expectVerdict(checkLinearizable(history, model), 'linearizable', history.operations);
    }
  });

  it.each(kinds)('agrees with brute force on $name that are broken', ({ model, subject }) => {
    const random = new SeededRandom(seed);
    let violations = 0;
    for (let i = 0; i < historyCount; i++) {
      const { operations } = randomHistory(random, subject, shape(random));
      const changed = broken(operations, random);
      const expected = isLinearizableByBruteForce(changed, model) ? 'linearizable' : 'violation';
      const result = checkLinearizable(changed, model);
      expectVerdict(result, expected, changed);
      if (result.verdict !== 'violation') continue;
      violations++;
      expectTrueReason(result.counterexample, changed, model);
    }
    expect(violations).toBeGreaterThan(historyCount / 50);
    expect(violations).toBeLessThan(historyCount);
  });
});

function expectVerdict(result: CheckResult, verdict: string, operations: readonly Operation[]): void {
  if (result.verdict !== verdict) expect.fail(`${result.verdict}: ${JSON.stringify(operations)}`);
}

/** A counterexample has operations of the history, or such that became unknown, and is no order either. */
function expectTrueReason(
  reason: Counterexample,
  operations: readonly Operation[],
  model: Kind['model'],
): void {
  for (const operation of reason.operations) {
    const original = operations.find(({ id }) => id === operation.id);
    expect(original?.input).toBe(operation.input);
    if (operation.outcome === 'ok') expect(original?.output).toBe(operation.output);
  }
  for (const start of reason.starts)
    expect(isLinearizableByBruteForce(reason.operations, { ...model, initial: () => start })).toBe(false);
}
