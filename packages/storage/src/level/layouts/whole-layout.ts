/** For types without a layout of their own: the mutations that describe the collection, all in its head. */
import type { Database } from '../../database.js';
import type { MutationReader } from '../../mutation.js';
import { createCollection } from '../../values/create.js';
import type { Layout } from './layout.js';

export class WholeLayout implements Layout {
  readonly hasElements = false;
  readonly isDivisible = false;

  /** Only the type itself knows its fields: a scratch collection reads them. */
  stage(reader: MutationReader, database: Database): boolean {
    const scratch = createCollection((reader.kind >>> 3) - 1, database);
    scratch.apply(reader);
    scratch.release(Number.POSITIVE_INFINITY);
    return true;
  }

  needsRenewal(): boolean {
    return false;
  }

  renewalBytes(): number {
    return 0;
  }

  freeze(): void {}

  freezeElement(): void {}

  holds(): boolean {
    return false;
  }

  table(): null {
    return null;
  }

  expires(): boolean {
    return false;
  }

  describe(): void {}
}
