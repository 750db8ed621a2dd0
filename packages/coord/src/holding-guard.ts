/** Keeps commands about data waiting, until it is let go: while where they are committed is changed. */
import type { Command, Session } from '@holdfast/engine';
import type { Guard } from './guard.js';
import { isAboutData } from './replicated/replica-guard.js';

export class HoldingGuard implements Guard {
  readonly leader = null;
  readonly #until: Promise<void>;

  constructor(until: Promise<void>) {
    this.#until = until;
  }

  refusalOf(): null {
    return null;
  }

  isElsewhere(): boolean {
    return false;
  }

  prepare(_session: Session, command: Command): Promise<void> | null {
    return isAboutData(command) ? this.#until : null;
  }

  executed(): void {}
}
