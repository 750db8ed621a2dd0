/** What was denied of late (ACL LOG), newest first. The same again within a minute is one entry with a count. */
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

export class AclLog {
  #entries: AclLogEntry[] = [];
  #nextId = 0;
  #lengthMax = 128;

  set lengthMax(max: number) {
    this.#lengthMax = max;
    this.#entries.length = Math.min(this.#entries.length, max);
  }

  get length(): number {
    return this.#entries.length;
  }

  newest(count: number): readonly AclLogEntry[] {
    return this.#entries.slice(0, count);
  }

  clear(): void {
    this.#entries = [];
  }

  add(access: DeniedAccess, nowMs: number): void {
    const at = this.#entries.slice(0, lookedAtMax).findIndex((entry) => isSame(entry, access, nowMs));
    if (at >= 0) {
      const [entry] = this.#entries.splice(at, 1);
      const { client } = access;
      this.#entries.unshift({ ...entry, client, count: entry.count + 1, updatedMs: nowMs });
      return;
    }
    this.#entries.unshift({ ...access, id: this.#nextId++, count: 1, createdMs: nowMs, updatedMs: nowMs });
    this.#entries.length = Math.min(this.#entries.length, this.#lengthMax);
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
