/** Reads a batch for its keys: record by record, passing over the other fields. */
import type { Database } from '../database.js';
import { MutationReader, mutationKinds } from '../mutation.js';
import { formerStateOf, formerStates } from '../string-forms.js';
import type { Layout } from './layouts/index.js';

export class MutationSkimmer {
  readonly reader: MutationReader;
  /** Of a swap: the other database. */
  otherDatabase = 0;
  /** Of a string that is put: one of `formerStates`. */
  formerState: number = formerStates.unsaid;
  readonly #layouts: readonly Layout[];
  readonly #database: Database;

  /** `database` is any: a type without a layout of its own needs one to read its fields. */
  constructor(batch: Uint8Array, layouts: readonly Layout[], database: Database) {
    this.reader = new MutationReader(batch);
    this.#layouts = layouts;
    this.#database = database;
  }

  /** Moves to the next record. The reader then has its key, and of a rename the target as its last field. */
  next(): boolean {
    const { reader } = this;
    if (!reader.next()) return false;
    this.formerState = formerStates.unsaid;
    switch (reader.kind) {
      case mutationKinds.putString:
        reader.number();
        this.formerState = formerStateOf(reader.byte());
        reader.field();
        break;
      case mutationKinds.deleteKey:
      case mutationKinds.flushDatabase:
        break;
      case mutationKinds.setExpiry:
        reader.number();
        break;
      case mutationKinds.patchString:
        reader.uint32();
        reader.uint32();
        reader.field();
        break;
      case mutationKinds.renameKey:
        reader.field();
        break;
      case mutationKinds.swapDatabases:
        this.otherDatabase = reader.byte();
        break;
      case mutationKinds.leadership:
        reader.field();
        break;
      default:
        this.#layouts[(reader.kind >>> 3) - 1].stage(reader, this.#database, null);
    }
    return true;
  }
}
