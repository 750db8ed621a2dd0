/**
 * What commands may do at a replica. The leader executes all of them, once versions are at hand, and sees to it
 * that what it read is confirmed; a follower answers what has nothing to do with data, and stale reads.
 */
import type { LeaderHint, Request } from '@holdfast/common';
import type { Command, Session } from '@holdfast/engine';
import { mayWrite, touchesKeyspace } from '../admission.js';
import type { Guard } from '../guard.js';
import { longWriteBytesMin } from './limits.js';
import type { LogRoom } from './log-room.js';
import type { OracleFront } from './oracle-front.js';
import type { ReplicatedCommitter } from './replicated-committer.js';

export class FollowerGuard implements Guard {
  leader: LeaderHint | null = null;
  /** The state is whole: stale reads may see it. */
  isReadable = false;
  /** While this replica is about to lead, as nobody else can: commands about data wait here. */
  #held: Promise<void> | null = null;

  hold(until: Promise<void>): void {
    this.#held = until;
    void until.then(() => {
      this.#held = null;
    });
  }

  refusalOf(): null {
    return null;
  }

  isElsewhere(session: Session, command: Command): boolean {
    if (this.#held !== null) return false;
    if (command.name === 'EXEC' && command.standsAlone) {
      return session.transaction !== null && (mayWrite(session, command) || !this.#mayRead(session));
    }
    if (isOfLeader(command)) return true;
    return (command.isReadonly || readsLibraries(command)) && !this.#mayRead(session);
  }

  prepare(_session: Session, command: Command): Promise<void> | null {
    return isAboutData(command) ? this.#held : null;
  }

  executed(): void {}

  #mayRead(session: Session): boolean {
    return this.isReadable && session.readMode === 'stale';
  }
}

/** Whether the leader alone can execute it, however stale the answer may be. */
function isOfLeader({ flags, group, isBlocking, isWrite, name, standsAlone }: Command): boolean {
  if (isWrite || isBlocking || flags.has('may_replicate') || flags.has('pubsub')) return true;
  return (group === 'scripting' && flags.has('readonly')) || (standsAlone && name === 'WATCH');
}

export interface LeaderGuardOptions {
  readonly front: OracleFront;
  readonly committer: ReplicatedCommitter;
  readonly leader: LeaderHint;
  /** The most that a command may write, in bytes. */
  readonly writeBytesMax: number;
  readonly room: LogRoom;
}

/** Versions for what a command finds expired beyond its own keys. */
const spareVersions = 16;

export class LeaderGuard implements Guard {
  readonly leader: LeaderHint;
  readonly #front: OracleFront;
  readonly #committer: ReplicatedCommitter;
  readonly #spanMax: number;
  /** Below, nobody asks whether there is room. */
  readonly #longSpan: number;
  readonly #room: LogRoom;
  /** While the lead is handed over: until it is, or is kept. */
  #held: Promise<void> | null = null;

  constructor(options: LeaderGuardOptions) {
    this.leader = options.leader;
    this.#front = options.front;
    this.#committer = options.committer;
    this.#spanMax = options.writeBytesMax;
    this.#longSpan = Math.min(longWriteBytesMin, this.#spanMax);
    this.#room = options.room;
  }

  /** Commands that touch data wait from now on. */
  hold(until: Promise<void>): void {
    this.#held = until;
  }

  refusalOf(command: Command, request: Request): string | null {
    const { span } = request;
    if (span <= this.#longSpan) return null;
    if (command.isWrite && span > this.#spanMax) {
      return `ERR the command has more than ${this.#spanMax} bytes, too many for the log of its shard`;
    }
    if (!(command.isWrite || command.mayReplicate) || span <= this.#room.roomBytes) return null;
    return `MISCONF etcd, which has the logs of the shards, is nearly full: a write of ${span} bytes is refused`;
  }

  letGo(): void {
    this.#held = null;
  }

  isElsewhere(): boolean {
    return false;
  }

  prepare(session: Session, command: Command, request: Request): Promise<void> | null {
    if (!isAboutData(command)) {
      session.arrival = 0;
      return null;
    }
    if (this.#held !== null) return this.#held;
    const waiting = this.#awaitVersions(session, command, request);
    if (waiting !== null) return waiting;
    session.arrival = 0;
    return this.#takeReadVersion(session);
  }

  executed(session: Session, command: Command): void {
    if (session.readMode !== 'stale' && isAboutData(command)) this.#confirm(session);
  }

  /** What was read must be confirmed before the reply leaves, unless a write of this turn does that anyway. */
  #confirm(session: Session): void {
    const committer = this.#committer;
    if (session.readMode === 'lease') {
      committer.countsOnLease = true;
    } else if (session.dependsOn <= committer.handedVersion) {
      session.dependsOn = committer.readVersion();
    }
  }

  #awaitVersions(session: Session, command: Command, request: Request): Promise<void> | null {
    const front = this.#front;
    if (!mayWrite(session, command)) return front.prepare(0, 1);
    const arrival = session.arrival === 0 ? front.arrive() : session.arrival;
    session.arrival = arrival;
    return front.prepare(arrival, versionsFor(session, command, request));
  }

  /** Before the command runs, so that it can wait if there is none. */
  #takeReadVersion(session: Session): Promise<void> | null {
    if (session.readMode !== 'linearizable') return null;
    try {
      this.#committer.readVersion();
      return null;
    } catch {
      return this.#front.oracle.ready();
    }
  }
}

/** Libraries of functions are data, although what shows them is not declared to read: as in Redis. */
function readsLibraries({ fullName }: Command): boolean {
  return fullName === 'function|list' || fullName === 'function|dump';
}

export function isAboutData(command: Command): boolean {
  return (
    touchesKeyspace(command) || readsLibraries(command) || (command.standsAlone && command.name === 'EXEC')
  );
}

/** The most versions that a command takes: its own, and one for each key that it finds expired. */
function versionsFor(session: Session, command: Command, request: Request): number {
  let count = request.count + spareVersions;
  if (command.name !== 'EXEC' || session.transaction === null) return count;
  for (const queued of session.transaction.queue) count += queued.request.count;
  return count;
}
