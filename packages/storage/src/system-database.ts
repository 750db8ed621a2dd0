/**
 * Besides the databases that clients select there is one for what the server keeps as data but under no client's key:
 * the libraries of functions, each a string under its name. So these are in the log, on the disk, in snapshots and in
 * feeds as all keys are, and no command of a client finds them. It is small: whoever opens a storage makes all of it
 * resident, and it stays so.
 */
import { databasesMax } from '@holdfast/common';

export const systemDatabase: number = databasesMax;

/** How many databases a storage has, the system's included. */
export const databaseCount: number = databasesMax + 1;
