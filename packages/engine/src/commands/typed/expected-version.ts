/** Compare-and-set: what a write expects of the version of its key. */
import type { Reply } from '@holdfast/common';
import type { Database, Ref } from '@holdfast/storage';
import { integer, option } from '../../grammar.js';

/** `VERSION v`: only if the key is at that version; 0: only if there is no such key. */
export const versionOption = option('VERSION', { expected: integer({ min: 0 }) });

/** Replies the error when the key that `find` just returned is at another version; whether it did. */
export function isAtOtherVersion(db: Database, ref: Ref, expected: number, reply: Reply): boolean {
  const version = ref === 0 ? 0 : db.version(ref);
  if (version === expected) return false;
  reply.error(`VERSION_MISMATCH the key is at version ${version}, not ${expected}`);
  return true;
}
