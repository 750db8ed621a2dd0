/** ACL: there is one user, `default`, who may do everything once it gave the password. */
import { createHash } from 'node:crypto';
import type { Reply } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, integer, optional } from '../../grammar.js';
import { help } from '../help.js';
import { aclCategories } from './acl-categories.js';

const flags = ['noscript', 'loading', 'stale'] as const;
const common = { group: 'server', since: '6.0.0', complexity: 'O(1)', flags } as const;
const admin = { ...common, flags: ['admin', ...flags] } as const;

const passwordBits = 256;
const badBits =
  'ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096';

function replyCategory({ kv, request }: Context, category: number | null, reply: Reply): void {
  if (category === null) {
    reply.array(aclCategories.length);
    for (const each of aclCategories) reply.text(each);
    return;
  }
  const wanted = request.text(category).toLowerCase();
  if (!aclCategories.includes(wanted)) {
    return reply.error(`ERR Unknown category '${request.quoted(category)}'`);
  }
  const names = kv.registry.commands
    .flatMap((command) => [command, ...command.subcommands.values()])
    .filter((command) => command.categories.includes(wanted))
    .map(({ fullName }) => fullName);
  reply.array(names.length);
  for (const name of names) reply.text(name);
}

/** The rules of the only user, as in an ACL file. */
function replyRules({ kv }: Context, reply: Reply): void {
  const password = kv.config.text('requirepass');
  const secret = password === '' ? 'nopass' : `#${createHash('sha256').update(password).digest('hex')}`;
  reply.array(1);
  reply.text(`user default on ${secret} sanitize-payload ~* &* +@all`);
}

/** Hex digits, each for four bits. */
function replyPassword({ env }: Context, bits: number, reply: Reply): void {
  const digits = Math.ceil(bits / 4);
  const random = env.random.fill(new Uint8Array(Math.ceil(digits / 2)));
  reply.text(Buffer.from(random).toString('hex').slice(0, digits));
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 676,
    name: 'WHOAMI',
    summary: 'Returns the authenticated username of the current connection.',
    args: {},
    run: ({ session }, _args, reply) => reply.text(session.user),
  }),
  defineCommand({
    ...common,
    id: 677,
    name: 'CAT',
    complexity: 'O(1) since the categories and commands are a fixed set.',
    summary: 'Lists the ACL categories, or the commands inside a category.',
    args: { category: optional(bytes()) },
    run: (ctx, { category }, reply) => replyCategory(ctx, category, reply),
  }),
  defineCommand({
    ...admin,
    id: 678,
    name: 'LIST',
    complexity: 'O(N). Where N is the number of configured users.',
    summary: 'Dumps the effective rules in ACL file format.',
    args: {},
    run: (ctx, _args, reply) => replyRules(ctx, reply),
  }),
  defineCommand({
    ...admin,
    id: 679,
    name: 'USERS',
    complexity: 'O(N). Where N is the number of configured users.',
    summary: 'Lists all ACL users.',
    args: {},
    run(_ctx, _args, reply) {
      reply.array(1);
      reply.text('default');
    },
  }),
  defineCommand({
    ...common,
    id: 680,
    name: 'GENPASS',
    summary: 'Generates a pseudorandom, secure password that can be used to identify ACL users.',
    args: { bits: optional(integer({ min: 1, max: 4096, rangeError: badBits })) },
    run: (ctx, { bits }, reply) => replyPassword(ctx, bits ?? passwordBits, reply),
  }),
  help(681, 'ACL', 'server', '6.0.0', [
    'CAT [<category>]',
    '    List all commands that belong to <category>, or all command categories',
    '    when no category is specified.',
    'GENPASS [<bits>]',
    '    Generate a secure 256-bit user password. The optional `bits` argument can',
    '    be used to specify a different size.',
    'LIST',
    '    Show users details in config file format.',
    'USERS',
    '    List all the registered usernames.',
    'WHOAMI',
    '    Return the current connection username.',
  ]),
];

export const acl = defineCommand({
  id: 675,
  name: 'ACL',
  group: 'server',
  since: '6.0.0',
  complexity: 'Depends on subcommand.',
  summary: 'A container for Access List Control commands.',
  flags: [],
  args: {},
  subcommands,
});
