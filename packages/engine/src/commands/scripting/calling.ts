/** What EVAL, EVALSHA, FCALL and their read-only forms have in common. */
import { bytes, described, type KeySpec, unparsedInteger } from '../../grammar.js';

const keyPositions = {
  begin: { index: 2 },
  find: { keyNumIndex: 0, firstKey: 1, step: 1 },
} as const;

const unknownUse = 'We cannot tell how the keys will be used so we assume the worst';

/** The keys that the caller declares. `isNoted` where Redis says why they are all used so. */
export function declaredKeys(access: 'RO' | 'RW', isNoted: boolean): readonly KeySpec[] {
  const uses = access === 'RO' ? (['access'] as const) : (['access', 'update'] as const);
  const notes = `${unknownUse}, ${access === 'RO' ? 'RO and ACCESS' : 'RW and UPDATE'}`;
  return [{ access, uses, ...keyPositions, ...(isNoted && { notes }) }];
}

/** How many keys, keys and arguments: read by `Scripting`. */
export const callArguments = {
  numkeys: unparsedInteger(),
  key: described({ type: 'key', keySpecIndex: 0, flags: ['optional', 'multiple'] }),
  arg: described({ type: 'string', flags: ['optional', 'multiple'] }),
} as const;

/** What is called comes first. */
export const called = bytes;

export const callFlags = ['noscript', 'stale', 'skip_monitor', 'may_replicate', 'no_mandatory_keys'] as const;
export const readOnlyCallFlags = [
  'readonly',
  'noscript',
  'stale',
  'skip_monitor',
  'no_mandatory_keys',
] as const;
