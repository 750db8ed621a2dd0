/**
 * A small value that is only changed by whoever knows the last one: where a virtual log keeps its chain. The
 * one thing of it that must be agreed on beyond the logs themselves.
 */
export interface RegisterState {
  /** Changes with every change, and never comes again; 0 while nothing was ever set. */
  readonly version: number;
  /** Empty while nothing was ever set. Owned by the caller. */
  readonly value: Uint8Array;
}

export interface Register {
  /** Throws KvError UNAVAILABLE, CORRUPT. */
  read(): Promise<RegisterState>;
  /**
   * Sets the value if the register is still at `version`, and tells whether it did; durable when it resolves.
   * Throws KvError UNDETERMINED when it may or may not have been set, or may yet be: read, and look for what
   * only this caller can have written.
   */
  compareAndSet(version: number, value: Uint8Array): Promise<boolean>;
}
