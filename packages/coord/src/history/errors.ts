/** What a reader is told whose version the history does not reach. */
import { KvError } from '@holdfast/common';

export function compacted(after: number, oldest: number): KvError {
  return new KvError(
    'COMPACTED',
    `what was written after version ${after} is no longer kept, only what is after ${oldest}: begin anew with a state ` +
      `of that version or a later one`,
    { version: oldest },
  );
}

/** `after` belongs to a write that is gone: a power cut took it from a log that does not sync each write. */
export function lost(after: number, oldest: number): KvError {
  return new KvError(
    'COMPACTED',
    `version ${after} was lost when the machine stopped, and what was written since goes on from before it: begin anew`,
    { version: oldest },
  );
}

export function notKept(why: string): KvError {
  return new KvError('INVALID', `no history is kept: ${why}`);
}

/** A replica that others are ahead of. */
export function behind(after: number, newest: number): KvError {
  return new KvError(
    'UNAVAILABLE',
    `this replica has what was written up to version ${newest}, not up to ${after} yet: try again, or at another one`,
    { version: newest },
  );
}

export function notBegun(): KvError {
  return new KvError(
    'UNAVAILABLE',
    'the history of this replica has not begun yet: try again, or at another one',
  );
}
