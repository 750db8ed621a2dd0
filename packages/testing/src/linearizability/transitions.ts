/**
 * The model, as numbers: states and operations get small ids, and each step is taken once.
 *
 * Operations with equal input and output form a class. Steps are kept in an open-addressing table of
 * (state, class, next state).
 */
import type { Json, Operation } from '../history/operation.js';
import { doomed, impossible, type Model } from './model.js';

const unused = -3;
export const impossibleId = -1;
export const doomedId = -2;

export class Transitions<State, Input extends Json, Output extends Json> {
  /** Class of each operation. */
  readonly classOf: Int32Array;
  readonly #model: Model<State, Input, Output>;
  readonly #examples: Operation<Input, Output>[] = [];
  readonly #states: State[] = [];
  readonly #stateIds = new Map<string | number | boolean | null, number>();
  #table = new Int32Array(3 * 256).fill(unused);
  #size = 0;
  #dooms = false;

  constructor(model: Model<State, Input, Output>, operations: readonly Operation<Input, Output>[]) {
    this.#model = model;
    const classes = new Map<string, number>();
    this.classOf = Int32Array.from(operations, (operation) => {
      const key = JSON.stringify([operation.input, operation.output], markUnknown);
      let id = classes.get(key);
      if (id === undefined) {
        id = this.#examples.push(operation) - 1;
        classes.set(key, id);
      }
      return id;
    });
  }

  stateOf(id: number): State {
    return this.#states[id];
  }

  /** Whether the model has ever said that an operation is doomed. */
  get dooms(): boolean {
    return this.#dooms;
  }

  /** Id of the state after an operation of `classId` in `stateId`; below 0 when that is impossible, or doomed. */
  next(stateId: number, classId: number): number {
    const mask = this.#table.length / 3 - 1;
    for (let slot = slotOf(stateId, classId) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * 3;
      if (this.#table[at] === stateId && this.#table[at + 1] === classId) return this.#table[at + 2];
      if (this.#table[at] === unused) return this.#step(stateId, classId);
    }
  }

  #step(stateId: number, classId: number): number {
    const { input, output } = this.#examples[classId];
    const state = this.#model.step(this.#states[stateId], input, output);
    const id = state === impossible ? impossibleId : state === doomed ? doomedId : this.idOf(state as State);
    if (id === doomedId) this.#dooms = true;
    if (++this.#size * 2 > this.#table.length / 3) this.#grow();
    insert(this.#table, stateId, classId, id);
    return id;
  }

  idOf(state: State): number {
    const identity = this.#model.identify(state);
    let id = this.#stateIds.get(identity);
    if (id === undefined) {
      id = this.#states.push(state) - 1;
      this.#stateIds.set(identity, id);
    }
    return id;
  }

  #grow(): void {
    const before = this.#table;
    this.#table = new Int32Array(before.length * 2).fill(unused);
    for (let at = 0; at < before.length; at += 3)
      if (before[at] !== unused) insert(this.#table, before[at], before[at + 1], before[at + 2]);
  }
}

/** An output that is not known is not null, which it would be in JSON. */
function markUnknown(_name: string, value: unknown): unknown {
  return value === undefined ? { unknown: true } : value;
}

function slotOf(stateId: number, classId: number): number {
  const hash = Math.imul(stateId, 0x9e3779b1) ^ Math.imul(classId, 0x85ebca77);
  return hash ^ (hash >>> 15);
}

function insert(table: Int32Array, stateId: number, classId: number, next: number): void {
  const mask = table.length / 3 - 1;
  let slot = slotOf(stateId, classId) & mask;
  while (table[slot * 3] !== unused) slot = (slot + 1) & mask;
  table[slot * 3] = stateId;
  table[slot * 3 + 1] = classId;
  table[slot * 3 + 2] = next;
}
