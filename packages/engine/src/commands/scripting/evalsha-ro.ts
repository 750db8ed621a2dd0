import { defineCommand } from '../../command.js';
import { callArguments, called, declaredKeys, readOnlyCallFlags } from './calling.js';

export const evalShaReadOnly = defineCommand({
  id: 803,
  name: 'EVALSHA_RO',
  group: 'scripting',
  since: '7.0.0',
  complexity: 'Depends on the script that is executed.',
  summary: 'Executes a read-only server-side Lua script by SHA1 digest.',
  flags: readOnlyCallFlags,
  args: { sha1: called(), ...callArguments },
  keySpecs: declaredKeys('RO', false),
  run(ctx, _args, reply) {
    ctx.kv.scripting.evalSha(ctx, reply, true);
  },
});
