import { defineRestore } from './restoring.js';

export const restore = defineRestore({
  id: 876,
  name: 'RESTORE',
  group: 'generic',
  since: '2.6.0',
  summary: 'Creates a key from the serialized representation of a value.',
  flags: ['write', 'denyoom'],
});
