/**
 * `math.random` and `math.randomseed`, as Redis replaces them: drand48's generator, which begins with the same seed in
 * each server, and gives the same numbers on every machine.
 */
import type { LuaMachine } from '../lua/machine.js';
import type { Library } from '../lua/sandbox.js';

const multiplier = 0x5deece66dn;
const increment = 0xbn;
const initialState = 0x1234abcd330en;
const low16 = 0x330en;
/** Results are below this. */
const resultEnd = 2 ** 31;

export class ScriptRandom {
  /** 48 bits. */
  #state = initialState;

  seed(seed: number): void {
    this.#state = (BigInt.asUintN(32, BigInt(seed)) << 16n) | low16;
  }

  /** An integer in [0, 2^31). */
  next(): number {
    this.#state = BigInt.asUintN(48, this.#state * multiplier + increment);
    return Number(this.#state >> 17n);
  }
}

/** Argument `i` as a C `int`. Raises an error when it is no number. */
function checkInt(machine: LuaMachine, L: number, i: number): number {
  const value = machine.api.luaL_checknumber(L, i);
  return Number.isFinite(value) && Math.abs(value) < 2 ** 63
    ? Number(BigInt.asIntN(32, BigInt(Math.trunc(value))))
    : 0;
}

/** What of the library `math` is replaced. */
export function randomFunctions(machine: LuaMachine, random: ScriptRandom): Library {
  return {
    random: (L) => {
      const fraction = (random.next() % (resultEnd - 1)) / (resultEnd - 1);
      const count = machine.count(L);
      if (count === 0) {
        machine.pushNumber(L, fraction);
        return 1;
      }
      if (count > 2) return machine.raise(L, 'wrong number of arguments');
      const from = count === 1 ? 1 : checkInt(machine, L, 1);
      const to = checkInt(machine, L, count);
      if (from > to) return machine.raiseArgument(L, count, 'interval is empty');
      machine.pushNumber(L, Math.floor(fraction * (to - from + 1)) + from);
      return 1;
    },
    randomseed: (L) => {
      random.seed(checkInt(machine, L, 1));
      return 0;
    },
  };
}
