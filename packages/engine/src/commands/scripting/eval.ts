import { defineCommand } from '../../command.js';
import { callArguments, called, callFlags, declaredKeys } from './calling.js';

export const evalScript = defineCommand({
  id: 800,
  name: 'EVAL',
  group: 'scripting',
  since: '2.6.0',
  complexity: 'Depends on the script that is executed.',
  summary: 'Executes a server-side Lua script.',
  flags: callFlags,
  args: { script: called(), ...callArguments },
  keySpecs: declaredKeys('RW', true),
  run(ctx, _args, reply) {
    ctx.kv.scripting.eval(ctx, reply, false);
  },
});
