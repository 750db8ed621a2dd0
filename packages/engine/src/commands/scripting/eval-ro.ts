import { defineCommand } from '../../command.js';
import { callArguments, called, declaredKeys, readOnlyCallFlags } from './calling.js';

export const evalScriptReadOnly = defineCommand({
  id: 801,
  name: 'EVAL_RO',
  group: 'scripting',
  since: '7.0.0',
  complexity: 'Depends on the script that is executed.',
  summary: 'Executes a read-only server-side Lua script.',
  flags: readOnlyCallFlags,
  args: { script: called(), ...callArguments },
  keySpecs: declaredKeys('RO', true),
  run(ctx, _args, reply) {
    ctx.kv.scripting.eval(ctx, reply, true);
  },
});
