/** OBJECT and its subcommands: how a value is kept. */
import { type Command, defineCommand } from '../../command.js';
import { key } from '../../grammar.js';
import { help } from '../help.js';
import { encodingOf } from './encoding.js';

const common = { group: 'generic', complexity: 'O(1)', flags: ['readonly'] } as const;

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 161,
    name: 'ENCODING',
    since: '2.2.3',
    summary: 'Returns the internal encoding of a Redis object.',
    tips: ['nondeterministic_output'],
    args: { key: key('RO') },
    run(ctx, args, reply) {
      const ref = ctx.find(args.key);
      if (ref === 0) reply.null();
      else reply.text(encodingOf(ctx.db, ref));
    },
  }),
  defineCommand({
    ...common,
    id: 162,
    name: 'REFCOUNT',
    since: '2.2.3',
    summary: 'Returns the reference count of a value of a key.',
    tips: ['nondeterministic_output'],
    args: { key: key('RO') },
    run(ctx, args, reply) {
      if (ctx.find(args.key) === 0) reply.null();
      else reply.integer(1);
    },
  }),
  help(165, 'OBJECT', 'generic', '6.2.0', [
    'ENCODING <key>',
    '    Return the kind of internal representation used in order to store the value',
    '    associated with a <key>.',
    'REFCOUNT <key>',
    '    Return the number of references of the value associated with the specified',
    '    <key>.',
  ]),
];

export const object = defineCommand({
  id: 160,
  name: 'OBJECT',
  group: 'generic',
  since: '2.2.3',
  complexity: 'Depends on subcommand.',
  summary: 'A container for object introspection commands.',
  flags: [],
  args: {},
  subcommands,
});
