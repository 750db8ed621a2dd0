import { defineCommand } from '../../command.js';
import { callArguments, called, callFlags, declaredKeys } from './calling.js';

export const fcall = defineCommand({
  id: 804,
  name: 'FCALL',
  group: 'scripting',
  since: '7.0.0',
  complexity: 'Depends on the function that is executed.',
  summary: 'Invokes a function.',
  flags: callFlags,
  args: { function: called(), ...callArguments },
  keySpecs: declaredKeys('RW', true),
  run(ctx, _args, reply) {
    ctx.kv.scripting.callFunction(ctx, reply, false);
  },
});
