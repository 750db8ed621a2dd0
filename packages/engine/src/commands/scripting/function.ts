/** FUNCTION and its subcommands: libraries of functions. */
import { type Command, defineCommand, wrongSubcommand } from '../../command.js';
import { bytes, described, oneOf, option, rest, token, unparsed } from '../../grammar.js';
import { help } from '../help.js';
import { readListOptions, replyLibraries } from './function-list.js';
import { replyStats } from './function-stats.js';

const common = { group: 'scripting', since: '7.0.0', flags: ['noscript'] } as const;
const writing = {
  flags: ['write', 'noscript'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
} as const;

/** The first one unless another is asked for. */
const policies = ['APPEND', 'FLUSH', 'REPLACE'] as const;
const wrongPolicy = 'ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.';

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    ...writing,
    id: 821,
    name: 'LOAD',
    complexity: 'O(1) (considering compilation time is redundant)',
    summary: 'Creates a library.',
    flags: ['write', 'denyoom', 'noscript'],
    args: {
      replace: unparsed(token('REPLACE')),
      'function-code': described({ type: 'string' }, { countMin: 1 }),
    },
    run({ kv, request }, _args, reply) {
      const last = request.count - 1;
      for (let i = 2; i < last; i++) {
        if (!request.is(i, 'REPLACE')) return reply.error(`ERR Unknown option given: ${request.text(i)}`);
      }
      kv.scripting.functions.load(request.byteString(last), last > 2, reply);
    },
  }),
  defineCommand({
    ...common,
    ...writing,
    id: 822,
    name: 'DELETE',
    complexity: 'O(1)',
    summary: 'Deletes a library and its functions.',
    args: { 'library-name': bytes() },
    run({ kv, request }, args, reply) {
      if (kv.scripting.functions.delete(request.byteString(args['library-name']))) reply.ok();
      else reply.error('ERR Library not found');
    },
  }),
  defineCommand({
    ...common,
    ...writing,
    id: 823,
    name: 'FLUSH',
    complexity: 'O(N) where N is the number of functions deleted',
    summary: 'Deletes all libraries and functions.',
    args: { 'flush-type': oneOf('ASYNC', 'SYNC'), surplus: rest() },
    run({ kv, request }, args, reply) {
      if (request.count > 3) return reply.error(wrongSubcommand('FUNCTION', request));
      if (args.surplus.count > 0) return reply.error('ERR FUNCTION FLUSH only supports SYNC|ASYNC option');
      kv.scripting.functions.clear();
      reply.ok();
    },
  }),
  defineCommand({
    ...common,
    id: 824,
    name: 'LIST',
    complexity: 'O(N) where N is the number of functions',
    summary: 'Returns information about all libraries.',
    tips: ['nondeterministic_output_order'],
    args: {
      'library-name-pattern': unparsed(option('LIBRARYNAME', { pattern: bytes() })),
      withcode: unparsed(token('WITHCODE')),
    },
    run(ctx, _args, reply) {
      const options = readListOptions(ctx);
      if (typeof options === 'string') reply.error(options);
      else replyLibraries(ctx, options, reply);
    },
  }),
  defineCommand({
    ...common,
    id: 825,
    name: 'STATS',
    complexity: 'O(1)',
    summary: 'Returns information about a function during execution.',
    flags: ['noscript', 'allow_busy'],
    tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
    args: {},
    run: (ctx, _args, reply) => replyStats(ctx, reply),
  }),
  defineCommand({
    ...common,
    id: 826,
    name: 'KILL',
    complexity: 'O(1)',
    summary: 'Terminates a function during execution.',
    flags: ['noscript', 'allow_busy'],
    tips: ['request_policy:all_shards', 'response_policy:one_succeeded'],
    args: {},
    run({ kv }, _args, reply) {
      kv.scripting.execution.kill(reply, false);
    },
  }),
  defineCommand({
    ...common,
    id: 827,
    name: 'DUMP',
    complexity: 'O(N) where N is the number of functions',
    summary: 'Dumps all libraries into a serialized binary payload.',
    args: {},
    run(ctx, _args, reply) {
      ctx.dependOnAll();
      const payload = ctx.kv.scripting.functions.dump();
      reply.bulk(payload, 0, payload.length);
    },
  }),
  defineCommand({
    ...common,
    ...writing,
    id: 828,
    name: 'RESTORE',
    complexity: 'O(N) where N is the number of functions on the payload',
    summary: 'Restores all libraries from a payload.',
    flags: ['write', 'denyoom', 'noscript'],
    args: { 'serialized-value': bytes(), policy: unparsed(oneOf('FLUSH', 'APPEND', 'REPLACE')) },
    run({ kv, request }, args, reply) {
      if (request.count > 4) return reply.error(wrongSubcommand('FUNCTION', request));
      const policy = policies.find((word) => request.count < 4 || request.is(3, word));
      if (policy === undefined) return reply.error(wrongPolicy);
      kv.scripting.functions.restore(request.copy(args['serialized-value']), policy, reply);
    },
  }),
  help(829, 'FUNCTION', 'scripting', '7.0.0', [
    'LOAD [REPLACE] <FUNCTION CODE>',
    '    Create a new library with the given library name and code.',
    'DELETE <LIBRARY NAME>',
    '    Delete the given library.',
    'LIST [LIBRARYNAME PATTERN] [WITHCODE]',
    '    Return general information on all the libraries:',
    '    * Library name',
    '    * The engine used to run the Library',
    '    * Library description',
    '    * Functions list',
    '    * Library code (if WITHCODE is given)',
    '    It also possible to get only function that matches a pattern using LIBRARYNAME argument.',
    'STATS',
    '    Return information about the current function running:',
    '    * Function name',
    '    * Command used to run the function',
    '    * Duration in MS that the function is running',
    '    If no function is running, return nil',
    '    In addition, returns a list of available engines.',
    'KILL',
    '    Kill the current running function.',
    'FLUSH [ASYNC|SYNC]',
    '    Delete all the libraries.',
    '    When called without the optional mode argument, the behavior is determined by the',
    '    lazyfree-lazy-user-flush configuration directive. Valid modes are:',
    '    * ASYNC: Asynchronously flush the libraries.',
    '    * SYNC: Synchronously flush the libraries.',
    'DUMP',
    '    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE command',
    'RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]',
    '    Restore the libraries represented by the given payload, it is possible to give a restore policy to',
    '    control how to handle existing libraries (default APPEND):',
    '    * FLUSH: delete all existing libraries.',
    '    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.',
    '    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old',
    '      libraries with the new libraries (notice that even on this option there is a chance of failure',
    '      in case of functions name collision with another library).',
  ]),
];

export const functionContainer = defineCommand({
  id: 820,
  name: 'FUNCTION',
  group: 'scripting',
  since: '7.0.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for function commands.',
  flags: [],
  args: {},
  subcommands,
});
