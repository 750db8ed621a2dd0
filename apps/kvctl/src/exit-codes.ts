/**
 * How the command ends. Programs go by these, never by texts. A signal is said as by a process that died of it: 130 for
 * SIGINT, 143 for SIGTERM.
 */
import { type ErrorCode, KvError } from '@holdfast/common';

export const exitCodes = {
  done: 0,
  /** It was refused, or a check found a problem. */
  failed: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** Something can't be reached, or was not done in time. It may be tried again. */
  unavailable: 3,
  /** It was told, and whether it was done is not known: look at the status. */
  undetermined: 4,
} as const;

/** What was typed makes no sense, whatever there is. */
export class UsageError extends KvError {
  constructor(message: string) {
    super('INVALID', message);
  }
}

const byCode: Partial<Record<ErrorCode, number>> = {
  UNAVAILABLE: exitCodes.unavailable,
  UNDETERMINED: exitCodes.undetermined,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  return (error instanceof KvError && byCode[error.code]) || exitCodes.failed;
}
