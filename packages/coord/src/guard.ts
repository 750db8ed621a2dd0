/**
 * What a coordinator asks of the replica that its data is, at each command: may it run here, are versions at hand
 * for it, and what does its reply wait for. A server that stands alone has no guard.
 */
import type { LeaderHint, Request } from '@holdfast/common';
import type { Command, Session } from '@holdfast/engine';

export interface Guard {
  /** Null while nobody is known. */
  readonly leader: LeaderHint | null;
  /** Why nobody may execute such a command, as an error; null when somebody may. */
  refusalOf(command: Command, request: Request): string | null;
  /** Whether another replica has to execute the command. */
  isElsewhere(session: Session, command: Command): boolean;
  /** Null when the command may run now; otherwise resolves when it is worth asking again. Never rejects. */
  prepare(session: Session, command: Command, request: Request): Promise<void> | null;
  /** The command ran, or has found nothing and waits: its reply may depend on more than what it saw. */
  executed(session: Session, command: Command): void;
}
