/** What was denied of late (ACL LOG), newest first. The same again within a minute is one entry with a count. */
import { RecentEntries } from '../recent-entries.js';
import type { DenialReason } from './selector.js';

export type LogReason = DenialReason | 'auth';
export type LogContext = 'toplevel' | 'multi' | 'lua';

const groupingMs = 60_000;
/** How many entries are looked at for the same. */
const lookedAtMax = 10;

export interface DeniedAccess {
  readonly reason: LogReason;
  readonly context: LogContext;
  /** The command, key, channel or, of a failed AUTH, the command that tried. A byte string. */
  readonly object: string;
  /** A byte string. */
  readonly user: string;
  /** As CLIENT INFO shows the client. */
  readonly client: string;
}

export interface AclLogEntry extends DeniedAccess {
  readonly id: number;
  readonly count: number;
  readonly createdMs: number;
  readonly updatedMs: number;
}

export class AclLog extends RecentEntries<AclLogEntry> {
  #nextId = 0;

  note(access: DeniedAccess, nowMs: number): void {
    const known = this.take(lookedAtMax, (entry) => isSame(entry, access, nowMs));
    if (known === undefined) {
      this.add({ ...access, id: this.#nextId++, count: 1, createdMs: nowMs, updatedMs: nowMs });
    } else {
      const { client } = access;
      this.add({ ...known, client, count: known.count + 1, updatedMs: nowMs });
    }
  }
}

function isSame(entry: AclLogEntry, access: DeniedAccess, nowMs: number): boolean {
  return (
    entry.reason === access.reason &&
    entry.context === access.context &&
    Math.abs(nowMs - entry.updatedMs) <= groupingMs &&
    entry.object === access.object &&
    entry.user === access.user
  );
}
