/** An RDB file as the commands that build what is in it. */
import { KvError } from '@holdfast/common';
import {
  MemoryStorage,
  type RdbFileItem,
  type RdbFileKey,
  RdbFileReader,
  readPayload,
} from '@holdfast/storage';
import type { InputFile } from './input-file.js';
import type { Step } from './step.js';

/** Stops behind the file's end: what follows in `input` is not part of it. Throws KvError CORRUPT, INVALID, LIMIT. */
export async function* rdbSteps(input: InputFile): AsyncGenerator<Step> {
  const reader = new RdbFileReader();
  const values = new ValueCheck();
  try {
    while (!reader.isEnded) {
      if (input.bytes.length === 0 && !(await input.more())) reader.finish();
      const piece = input.bytes;
      reader.push(piece);
      input.pass(piece.length);
      for (let item = reader.next(); item !== null; item = reader.next()) {
        const step = stepOf(item, values);
        if (step !== null) yield step;
      }
    }
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    throw new KvError(error.code, `${input.path}: ${error.message}`, { cause: error });
  }
  input.unread(reader.rest);
}

function stepOf(item: RdbFileItem, values: ValueCheck): Step | null {
  if (item.kind === 'field') return null;
  if (item.kind === 'library')
    return { database: -1, args: ['FUNCTION', 'LOAD', 'REPLACE', Buffer.from(item.code, 'latin1')] };
  values.check(item);
  const { database, expiryMs, name, payload } = item;
  return { database, args: ['RESTORE', name, String(expiryMs ?? 0), payload, 'ABSTTL'] };
}

/** Whether values can be read here, before any is put anywhere. */
class ValueCheck {
  readonly #storage = new MemoryStorage({ uint32: () => 0, fill: (target) => target });

  check({ name, payload }: RdbFileKey): void {
    try {
      readPayload(payload, this.#storage.database(0));
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      const key = JSON.stringify(name.toString('latin1'));
      throw new KvError(error.code, `the value of the key ${key}: ${error.message}`, { cause: error });
    }
  }
}
