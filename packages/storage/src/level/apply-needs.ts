/** What has to be in memory before a batch of others can be applied. */
import { mutationKinds } from '../mutation.js';
import { formerStates } from '../string-forms.js';
import type { Keyspace } from './keyspace.js';
import type { MutationSkimmer } from './mutation-skimmer.js';

export interface ApplyNeeds {
  readonly keys: Map<Keyspace, Uint8Array[]>;
  /** Those of which all keys are needed. */
  readonly whole: readonly Keyspace[];
}

/**
 * `keyspaces`: what each database has before the batch; `lastVersion`: of the state that it is applied to. `isNext`: see
 * `Storage.prepareApply`.
 */
export function needsOf(
  skimmer: MutationSkimmer,
  keyspaces: readonly Keyspace[],
  lastVersion: number,
  isNext: boolean,
): ApplyNeeds {
  const current: (Keyspace | null)[] = [...keyspaces];
  const keys = new Map<Keyspace, Uint8Array[]>();
  const flushed: Keyspace[] = [];
  const { reader } = skimmer;
  while (skimmer.next()) {
    const { kind, database, bytes } = reader;
    const keyspace = current[database];
    if (kind === mutationKinds.swapDatabases) {
      current[database] = current[skimmer.otherDatabase];
      current[skimmer.otherDatabase] = keyspace;
    } else if (keyspace !== null && kind === mutationKinds.flushDatabase) {
      // Over a later state a flush removes key by key: all have to be there.
      if (lastVersion > reader.version) flushed.push(keyspace);
      current[database] = null;
    } else if (keyspace !== null && kind !== mutationKinds.leadership) {
      if (isNext && skimmer.formerState !== formerStates.unsaid) continue;
      addTo(keys, keyspace, bytes.subarray(reader.keyStart, reader.keyStart + reader.keyLength));
      if (kind !== mutationKinds.renameKey) continue;
      addTo(keys, keyspace, bytes.subarray(reader.fieldStart, reader.fieldStart + reader.fieldLength));
    }
  }
  return { keys, whole: flushed.filter((keyspace) => !keyspace.isComplete) };
}

export function addTo(keys: Map<Keyspace, Uint8Array[]>, keyspace: Keyspace, key: Uint8Array): void {
  const names = keys.get(keyspace);
  if (names === undefined) keys.set(keyspace, [key]);
  else names.push(key);
}
