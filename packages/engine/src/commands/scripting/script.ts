/** SCRIPT and its subcommands: the scripts that EVALSHA finds. */
import { type Command, defineCommand } from '../../command.js';
import { onAllNodes } from '../../command-declaration.js';
import { bytes, oneOf, repeat, requiredWord, rest, unparsed } from '../../grammar.js';
import { help } from '../help.js';

const common = { group: 'scripting', flags: ['noscript'] } as const;
const wrongMode = 'ERR Use SCRIPT DEBUG YES/SYNC/NO';

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 811,
    name: 'LOAD',
    since: '2.6.0',
    complexity: 'O(N) with N being the length in bytes of the script body.',
    summary: 'Loads a server-side Lua script to the script cache.',
    flags: ['noscript', 'stale'],
    tips: onAllNodes,
    args: { script: bytes() },
    run({ kv, request }, { script }, reply) {
      const loaded = kv.scripting.scripts.load(request.view(script), false);
      if (typeof loaded === 'string') reply.error(loaded);
      else reply.text(loaded.sha);
    },
  }),
  defineCommand({
    ...common,
    id: 812,
    name: 'EXISTS',
    since: '2.6.0',
    complexity:
      'O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).',
    summary: 'Determines whether server-side Lua scripts exist in the script cache.',
    tips: ['request_policy:all_shards', 'response_policy:agg_logical_and'],
    args: { sha1: repeat(bytes()) },
    run({ kv, request }, { sha1 }, reply) {
      const { first, count } = sha1;
      reply.array(count);
      for (let i = 0; i < count; i++) {
        reply.integer(kv.scripting.scripts.cache.find(request.byteString(first + i)) === null ? 0 : 1);
      }
    },
  }),
  defineCommand({
    ...common,
    id: 813,
    name: 'FLUSH',
    since: '2.6.0',
    complexity: 'O(N) with N being the number of scripts in cache',
    summary: 'Removes all server-side Lua scripts from the script cache.',
    tips: onAllNodes,
    args: { 'flush-type': oneOf('ASYNC', 'SYNC'), surplus: rest() },
    run({ kv }, args, reply) {
      if (args.surplus.count > 0) return reply.error('ERR SCRIPT FLUSH only support SYNC|ASYNC option');
      kv.scripting.scripts.flush();
      reply.ok();
    },
  }),
  defineCommand({
    ...common,
    id: 814,
    name: 'KILL',
    since: '2.6.0',
    complexity: 'O(1)',
    summary: 'Terminates a server-side Lua script during execution.',
    flags: ['noscript', 'allow_busy'],
    tips: ['request_policy:all_shards', 'response_policy:one_succeeded'],
    args: {},
    run({ kv }, _args, reply) {
      kv.scripting.execution.kill(reply, true);
    },
  }),
  defineCommand({
    ...common,
    id: 815,
    name: 'DEBUG',
    since: '3.2.0',
    complexity: 'O(1)',
    summary: 'Sets the debug mode of server-side Lua scripts.',
    arity: 3,
    args: { mode: unparsed(requiredWord('YES', 'SYNC', 'NO')) },
    run({ request }, { mode }, reply) {
      if (request.is(mode, 'NO')) reply.ok();
      else if (!request.is(mode, 'YES') && !request.is(mode, 'SYNC')) reply.error(wrongMode);
      else reply.error('ERR this server has no debugger for scripts');
    },
  }),
  help(816, 'SCRIPT', 'scripting', '5.0.0', [
    'DEBUG (YES|SYNC|NO)',
    '    Set the debug mode for subsequent scripts executed.',
    'EXISTS <sha1> [<sha1> ...]',
    '    Return information about the existence of the scripts in the script cache.',
    'FLUSH [ASYNC|SYNC]',
    '    Flush the Lua scripts cache. Very dangerous on replicas.',
    '    When called without the optional mode argument, the behavior is determined by the',
    '    lazyfree-lazy-user-flush configuration directive. Valid modes are:',
    '    * ASYNC: Asynchronously flush the scripts cache.',
    '    * SYNC: Synchronously flush the scripts cache.',
    'KILL',
    '    Kill the currently executing Lua script.',
    'LOAD <script>',
    '    Load a script into the scripts cache without executing it.',
  ]),
];

export const script = defineCommand({
  id: 810,
  name: 'SCRIPT',
  group: 'scripting',
  since: '2.6.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for Lua scripts management commands.',
  flags: [],
  args: {},
  subcommands,
});
