/** Walking over the keys whose time is not over. */
// @hot-path
import type { Reply } from '@holdfast/common';
import type { Database, KeyNames } from '@holdfast/storage';
import type { Context } from '../../context.js';
import type { GlobPattern } from '../../glob-pattern.js';

/**
 * Collects the keys that a walk is asked for, as records, which stay valid until the next change. Used again
 * by each call of a command.
 */
export class LiveKeys {
  readonly refs: number[] = [];
  /** Keys that match but for their type, and whose time is over. */
  readonly expired: number[] = [];
  /** Keys that are not in memory, and how many of them are alive. */
  #names: KeyNames | null = null;
  #namesAlive = 0;
  #db!: Database;
  #nowMs = 0;
  #pattern: GlobPattern | null = null;
  /** A type of value, or -1 for any. */
  #type = -1;

  /** Begins a walk of the current database. Keys that do not match are left out; -1 is any type. */
  start(ctx: Context, pattern: GlobPattern | null, type = -1): void {
    this.refs.length = 0;
    this.expired.length = 0;
    this.#names = null;
    this.#namesAlive = 0;
    this.#db = ctx.db;
    this.#nowMs = ctx.nowMs;
    this.#pattern = pattern;
    this.#type = type;
  }

  readonly visit = (ref: number): void => {
    const db = this.#db;
    const { arena, dict } = db;
    const expiryMs = db.expiry(ref);
    const isExpired = !this.#isAlive(expiryMs);
    if (!isExpired && this.#type >= 0 && dict.type(ref) !== this.#type) return;
    const pattern = this.#pattern;
    if (pattern !== null && !pattern.matches(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref)))
      return;
    if (isExpired) this.expired.push(ref);
    else this.refs.push(ref);
  };

  /** Adds keys that are not in memory, and that match. */
  addNames(names: KeyNames): void {
    this.#names = names;
    names.forEach((_bytes, _start, _length, expiryMs) => {
      if (this.#isAlive(expiryMs)) this.#namesAlive++;
    });
  }

  #isAlive(expiryMs: number): boolean {
    return expiryMs === 0 || expiryMs > this.#nowMs;
  }

  /** Replies the names found, as an array, and forgets them. */
  reply(reply: Reply): void {
    const { refs } = this;
    reply.array(refs.length + this.#namesAlive);
    for (let i = 0; i < refs.length; i++) replyName(this.#db, refs[i], reply);
    this.#names?.forEach((bytes, start, length, expiryMs) => {
      if (this.#isAlive(expiryMs)) reply.bulk(bytes, start, length);
    });
    this.refs.length = 0;
    this.#pattern = null;
    this.#names = null;
  }

  /** Removes the keys whose time was over. After `reply`. */
  removeExpired(ctx: Context): void {
    if (this.expired.length === 0) return;
    const { arena, dict } = this.#db;
    const names: Buffer[] = [];
    for (const ref of this.expired) {
      const start = dict.keyStart(ref);
      names.push(Buffer.from(arena.chunk(ref).subarray(start, start + dict.keyLength(ref))));
    }
    this.expired.length = 0;
    for (const name of names) ctx.findKey(name, 0, name.length);
  }
}

export function replyName({ arena, dict }: Database, ref: number, reply: Reply): void {
  reply.bulk(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
}
