/** Where imported data goes. */
import type { Step } from './step.js';

export interface Target {
  /** Runs a command, in order; it may still be under way when it resolves. Throws what an earlier one met. */
  run(step: Step): Promise<void>;
  /** All was taken. Throws what a command met. */
  finish(): Promise<void>;
  /** Nothing of it is to be kept, as far as that is possible; also of what could not be finished. */
  abandon(): Promise<void>;
}
