/**
 * Where the instances of the timestamp service keep the one mark that they share, and with it who holds it. A
 * write is conditional on the last one, so an instance that has lost the mark finds out when it next writes.
 */
export interface MarkRecord {
  /** No timestamp above it was ever handed out. */
  readonly mark: number;
  /** Whose it is: another name for each time that an instance takes it. */
  readonly owner: string;
  /** Where clients find the owner. */
  readonly address: string;
  /** Counts what the owner has written. */
  readonly sequence: number;
  /** For how long after it has sent a write the owner may hand out timestamps, in ms. */
  readonly holdMs: number;
  /** The owner hands out none any more. */
  readonly isReleased: boolean;
}

export interface MarkState {
  /** Changes with every write; 0 while there was none. */
  readonly revision: number;
  readonly record: MarkRecord | null;
}

export interface MarkStore {
  /** May be old when it is used, so it decides nothing. Throws KvError UNAVAILABLE, CORRUPT. */
  read(): Promise<MarkState>;
  /**
   * Writes if the last write was that of `revision`: the new revision, null if there was another one. Throws KvError
   * UNDETERMINED when it may have been written, or may yet be.
   */
  write(revision: number, record: MarkRecord): Promise<number | null>;
  /** Calls `onChange` after a write, of anybody, sooner or later or not at all. */
  watch(onChange: () => void): { close(): void };
}
