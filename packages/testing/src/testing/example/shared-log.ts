/**
 * A log that several replicas share, as an example of what a simulation can hold: one node that never loses what
 * it acknowledged, and a mirror that follows it and may be behind.
 */
import { callChannel, messageChannel } from '../../simulation/channels.js';
import type { NodeLife } from '../../simulation/node-life.js';

export interface Entry {
  /** From 1, without gaps. */
  readonly position: number;
  readonly epoch: number;
  readonly writer: string;
  /** Made up by the writer, so that it knows its own entry. */
  readonly id: string;
  /** Null: a sign of leadership, or a fence. */
  readonly write: { readonly key: string; readonly value: string } | null;
  /** Whether it takes or keeps the leadership. */
  readonly isLease: boolean;
}

export type NewEntry = Omit<Entry, 'position'>;

export interface AppendRequest {
  readonly entry: NewEntry;
  /** The position that it must follow. */
  readonly after: number;
}

export type AppendReply =
  | { readonly isAppended: true }
  | { readonly isAppended: false; readonly tail: number };

export const append = callChannel<AppendRequest, AppendReply>('append');
export const readFrom = callChannel<number, Entry[]>('read');
export const appended = messageChannel<Entry>('appended');

export function serveLog(life: NodeLife, entries: Entry[], followers: readonly string[]): void {
  life.network.serve(append, ({ entry, after }): AppendReply => {
    const last = entries.at(-1);
    if (after !== entries.length || entry.epoch < (last?.epoch ?? 0))
      return { isAppended: false, tail: entries.length };
    const added = { ...entry, position: after + 1 };
    entries.push(added);
    for (const follower of followers) life.network.send(follower, appended, added);
    return { isAppended: true };
  });
  life.network.serve(readFrom, (from) => entries.slice(from - 1));
}

/** Follows the log by its messages, and asks for what it missed only now and then. */
export async function serveMirror(life: NodeLife, log: string): Promise<void> {
  const entries: Entry[] = [];
  const add = (entry: Entry): void => {
    if (entry.position === entries.length + 1) entries.push(entry);
  };
  life.network.serve(readFrom, (from) => entries.slice(from - 1));
  life.network.onMessage(appended, add);
  for (;;) {
    await life.sleep(500);
    const missed = await life.network
      .call(log, readFrom, entries.length + 1, { timeoutMs: 300 })
      .catch(() => []);
    for (const entry of missed) add(entry);
  }
}
