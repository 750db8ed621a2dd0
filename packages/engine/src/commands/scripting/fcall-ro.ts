import { defineCommand } from '../../command.js';
import { callArguments, called, declaredKeys, readOnlyCallFlags } from './calling.js';

export const fcallReadOnly = defineCommand({
  id: 805,
  name: 'FCALL_RO',
  group: 'scripting',
  since: '7.0.0',
  complexity: 'Depends on the function that is executed.',
  summary: 'Invokes a read-only function.',
  flags: readOnlyCallFlags,
  args: { function: called(), ...callArguments },
  keySpecs: declaredKeys('RO', true),
  run(ctx, _args, reply) {
    ctx.kv.scripting.callFunction(ctx, reply, true);
  },
});
