/**
 * Commands that could not run when they came: keys had to be loaded, or versions to be fetched. They are tried
 * again, in the order of their arrival, as one turn for all that waited for the same thing.
 */
import type { Request } from '@holdfast/common';
import type { Session } from '@holdfast/engine';
import type { HeldCommand } from './pauses.js';

export interface HeldCommandsOptions {
  /** Tries commands again, in a turn of its own. */
  readonly resume: (held: readonly HeldCommand[]) => void;
  /** What they waited for can't be had. */
  readonly fail: (held: HeldCommand, error: Error) => void;
}

export class HeldCommands {
  readonly #options: HeldCommandsOptions;
  readonly #held = new Map<Promise<void>, HeldCommand[]>();

  constructor(options: HeldCommandsOptions) {
    this.#options = options;
  }

  hold(session: Session, request: Request, ready: Promise<void>): void {
    const command = { session, request: request.toOwned(), arrival: session.arrival };
    session.arrival = 0;
    session.isBlocked = true;
    const others = this.#held.get(ready);
    if (others !== undefined) {
      others.push(command);
      return;
    }
    this.#held.set(ready, [command]);
    ready.then(
      () => this.#options.resume(this.#take(ready)),
      (error: Error) => {
        for (const each of this.#take(ready)) this.#options.fail(each, error);
      },
    );
  }

  /** All of them, which are held no longer. */
  takeAll(): HeldCommand[] {
    const all = [...this.#held.values()].flat();
    this.#held.clear();
    return all;
  }

  #take(ready: Promise<void>): readonly HeldCommand[] {
    const held = this.#held.get(ready) ?? [];
    this.#held.delete(ready);
    return held;
  }
}
