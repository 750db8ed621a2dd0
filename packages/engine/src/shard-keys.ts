/**
 * The keys of a server that has one shard of several, by their hash slots. Who passes requests on has looked at their keys,
 * but knows nothing of those that a script makes up: it is held to the shard that it runs at, or what it writes would lie
 * where nobody looks for it.
 */
// @hot-path
import { hashSlotCount, hashSlotOf, type Request } from '@holdfast/common';
import type { Command } from './command.js';

/** As Redis has it. */
const nonLocalKey = 'ERR Script attempted to access a non local key in a cluster node';

/** Commands of all keys, by their full names: of several shards none can do them alone. */
export const ofAllShards: ReadonlySet<string> = new Set(
  'dbsize keys randomkey scan kv.scan kv.delrange flushall flushdb swapdb'.split(' '),
);

const [starByte, openByte, closeByte] = [42, 123, 125];

export class ShardKeys {
  /** By hash slot: 1 if its keys are here. */
  readonly #isHere = new Uint8Array(hashSlotCount);
  #request!: Request;
  #isElsewhere = false;
  readonly #visit = (i: number): void => {
    const request = this.#request;
    if (!this.#has(hashSlotOf(request.bytes, request.start(i), request.length(i)))) this.#isElsewhere = true;
  };

  /** Those of these ranges of slots, first and last of each. */
  constructor(ranges: readonly (readonly [number, number])[]) {
    for (const [first, last] of ranges) this.#isHere.fill(1, first, last + 1);
  }

  /** Of these ranges; null where it has all of the keys. */
  static of(ranges: readonly (readonly [number, number])[]): ShardKeys | null {
    const count = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    return count === 0 || count === hashSlotCount ? null : new ShardKeys(ranges);
  }

  /** Why a script may not run a command here, as an error; '' when it may. */
  refusalInScript(command: Command, request: Request): string {
    if (command.keySpecs.length === 0) {
      if (!ofAllShards.has(command.fullName)) return '';
      return `ERR '${command.fullName}' concerns all shards, and a script runs at one of them`;
    }
    this.#request = request;
    this.#isElsewhere = false;
    if (command.soleKey !== 0) this.#visit(command.soleKey);
    else {
      command.forEachKey(request, this.#visit);
      const { keyPatterns } = command.declaration;
      if (keyPatterns !== undefined) for (const at of keyPatterns(request)) this.#visitPattern(request, at);
    }
    return this.#isElsewhere ? nonLocalKey : '';
  }

  #visitPattern(request: Request, i: number): void {
    const slot = slotOfPattern(request, i);
    if (slot < 0 || !this.#has(slot)) this.#isElsewhere = true;
  }

  #has(slot: number): boolean {
    return this.#isHere[slot] === 1;
  }
}

/** Where the keys are that a pattern stands for: known if a hash tag comes before its star, -1 otherwise. */
export function slotOfPattern(request: Request, i: number): number {
  const { bytes } = request;
  const start = request.start(i);
  const end = start + request.length(i);
  const star = bytes.indexOf(starByte, start);
  const open = bytes.indexOf(openByte, start);
  const close = open < 0 ? -1 : bytes.indexOf(closeByte, open);
  const isTagged = star < end && open >= 0 && open < star && close > open + 1 && close < star;
  return isTagged ? hashSlotOf(bytes, start, star - start) : -1;
}
