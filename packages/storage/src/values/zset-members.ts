/**
 * What both forms of a sorted set do: PackedZSet for small ones, IndexedZSet for large ones. The entries
 * are in order of score, then of member; ranks count from 0. No score is NaN.
 *
 * `score` remembers the member that it was asked for: `rank`, `update` and `remove` act upon the one it
 * found, `add` upon the one it missed. Nothing else may be called between.
 */
import type { ZSetBound } from './zset-bound.js';
import type { ZSetCursor } from './zset-cursor.js';

export interface ZSetMembers {
  readonly size: number;

  /** The score of a member, NaN when it is not there. */
  score(bytes: Uint8Array, start: number, length: number): number;
  rank(): number;
  add(bytes: Uint8Array, start: number, length: number, score: number): void;
  update(score: number): void;
  remove(): void;

  /** Removes the entry of a rank that is there. */
  removeAt(rank: number): void;
  /** How many entries lie before a bound. */
  countBefore(bound: ZSetBound): number;

  /** Puts a cursor on the entry of a rank that is there. */
  seek(cursor: ZSetCursor, rank: number): void;
  /** Puts a cursor on the next entry; false when there is none. */
  stepForward(cursor: ZSetCursor): boolean;
  stepBack(cursor: ZSetCursor): boolean;

  /** As `Dict.scan`: appends names of entries, which `read` understands until the next change. */
  scan(position: number, count: number, into: number[]): number;
  /** Makes a cursor show an entry that `scan` named; it can't step from there. */
  read(cursor: ZSetCursor, name: number): void;

  /** Frees about `budget` entries; true when none is left. Of no use after. */
  release(budget: number): boolean;
}
