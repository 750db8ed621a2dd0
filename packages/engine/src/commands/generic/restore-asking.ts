import { defineRestore } from './restoring.js';

export const restoreAsking = defineRestore({
  id: 877,
  name: 'RESTORE-ASKING',
  group: 'server',
  since: '3.0.0',
  summary: 'An internal command for migrating keys in a cluster.',
  flags: ['write', 'denyoom', 'asking'],
});
