/** A command on its way from a file to where the data is to be. */
export interface Step {
  /** The number of the database that it is for; -1 for any. */
  readonly database: number;
  readonly args: readonly (string | Uint8Array)[];
}
