import { defineCommand } from '../../command.js';
import { callArguments, called, callFlags, declaredKeys } from './calling.js';

export const evalSha = defineCommand({
  id: 802,
  name: 'EVALSHA',
  group: 'scripting',
  since: '2.6.0',
  complexity: 'Depends on the script that is executed.',
  summary: 'Executes a server-side Lua script by SHA1 digest.',
  flags: callFlags,
  args: { sha1: called(), ...callArguments },
  keySpecs: declaredKeys('RW', false),
  run(ctx, _args, reply) {
    ctx.kv.scripting.evalSha(ctx, reply, false);
  },
});
