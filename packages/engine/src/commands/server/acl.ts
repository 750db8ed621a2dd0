/** ACL: who may do what. The rules themselves are in `acl/`. */
import { type Reply, textOfByteString } from '@holdfast/common';
import { aclCategories, isAclCategory } from '../../acl/categories.js';
import type { User } from '../../acl/user.js';
import { type Command, defineCommand } from '../../command.js';
import { onAllNodes } from '../../command-declaration.js';
import type { Context } from '../../context.js';
import { bytes, integer, optional, repeat, rest } from '../../grammar.js';
import { help } from '../help.js';
import { replyLog, replyUser } from './acl-replies.js';

const flags = ['noscript', 'loading', 'stale'] as const;
const common = { group: 'server', since: '6.0.0', complexity: 'O(1)', flags } as const;
const admin = { ...common, flags: ['admin', ...flags] } as const;

const passwordBits = 256;
const badBits =
  'ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096';
const noFile =
  'ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.';

/** How many entries ACL LOG shows when it is not told. */
const shownDefault = 10;

function replyCategory({ kv, request }: Context, category: number | null, reply: Reply): void {
  if (category === null) {
    reply.array(aclCategories.length);
    for (const each of aclCategories) reply.text(each);
    return;
  }
  const wanted = request.text(category).toLowerCase();
  if (!isAclCategory(wanted)) {
    return reply.error(`ERR Unknown category '${request.quoted(category)}'`);
  }
  const names = kv.registry.commands
    .flatMap((command) => [command, ...command.subcommands.values()])
    .filter((command) => command.categories.includes(wanted))
    .map(({ fullName }) => fullName);
  reply.array(names.length);
  for (const name of names) reply.text(name);
}

/** Hex digits, each for four bits. */
function replyPassword({ env }: Context, bits: number, reply: Reply): void {
  const digits = Math.ceil(bits / 4);
  const random = env.random.fill(new Uint8Array(Math.ceil(digits / 2)));
  reply.text(Buffer.from(random).toString('hex').slice(0, digits));
}

/** Arguments `first` to the last as byte strings. */
function words({ request }: Context, first: number): string[] {
  return Array.from({ length: request.count - first }, (_, i) => request.byteString(first + i));
}

/** Clients of a user that is gone have to go. */
function killClients({ host, session: self }: Context, user: User): void {
  for (const session of [...host.sessions()]) if (session.account === user) host.kill(session, self);
}

/** Listeners of channels that they may not listen to any more have to go. */
function killListeners({ host, session: self }: Context, user: User): void {
  for (const session of [...host.sessions()]) {
    if (session.account !== user || !session.isSubscriber) continue;
    const names = [...session.channels, ...session.shardChannels];
    const isAllowed =
      names.every((name) => user.allowsChannel(name, false)) &&
      [...session.patterns].every((name) => user.allowsChannel(name, true));
    if (!isAllowed) host.kill(session, self);
  }
}

function setUser(ctx: Context, user: number, reply: Reply): void {
  const { kv, request } = ctx;
  const problem = kv.access.setUser(request.byteString(user), words(ctx, user + 1), (_, after) =>
    killListeners(ctx, after),
  );
  if (problem === null) reply.ok();
  else reply.error(textOfByteString(problem));
}

function deleteUsers(ctx: Context, reply: Reply): void {
  const { access } = ctx.kv;
  const names = words(ctx, 2);
  if (names.includes('default')) return reply.error("ERR The 'default' user cannot be removed");
  let removed = 0;
  for (const name of names) {
    const user = access.removeUser(name);
    if (user === undefined) continue;
    killClients(ctx, user);
    removed++;
  }
  reply.integer(removed);
}

function load(ctx: Context, reply: Reply): void {
  const { access } = ctx.kv;
  const { file } = access;
  if (file === null) return reply.error(noFile);
  let text: string;
  try {
    text = file.read();
  } catch (error) {
    return reply.error(`ERR Error loading ACLs, opening file '${file.path}': ${(error as Error).message}`);
  }
  const problems = access.load(text, file.path, (before, after) => {
    if (after === undefined) return killClients(ctx, before);
    for (const session of ctx.host.sessions()) if (session.account === before) session.account = after;
    killListeners(ctx, after);
  });
  if (problems === null) reply.ok();
  else reply.error(`ERR ${problems}`);
}

function save({ host, kv }: Context, reply: Reply): void {
  const { access } = kv;
  if (access.file === null) return reply.error(noFile);
  try {
    access.file.write(access.describe());
  } catch (error) {
    host.log('warning', `the ACL file can't be written: ${(error as Error).message}`);
    return reply.error(
      'ERR There was an error trying to save the ACLs. Please check the server logs for more information',
    );
  }
  reply.ok();
}

function dryRun({ kv, request }: Context, reply: Reply): void {
  const { access, registry } = kv;
  const user = access.user(request.byteString(2));
  if (user === undefined) return reply.error(`ERR User '${request.quoted(2)}' not found`);
  const asked = request.slice(3);
  const command = registry.resolve(asked) ?? (asked.count === 1 ? registry.find(asked) : null);
  if (command === null) return reply.error(`ERR Command '${request.quoted(3)}' not found`);
  const { arity } = command;
  if (arity > 0 ? asked.count !== arity : asked.count < -arity) {
    return reply.error(`ERR wrong number of arguments for '${command.fullName}' command`);
  }
  const problem = access.dryRun(user, command, asked);
  if (problem === null) reply.ok();
  else reply.byteString(problem);
}

const subcommands: readonly Command[] = [
  defineCommand({
    ...common,
    id: 676,
    name: 'WHOAMI',
    summary: 'Returns the authenticated username of the current connection.',
    args: {},
    run: ({ session }, _args, reply) => reply.byteString(session.user),
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
    run({ kv }, _args, reply) {
      const { users } = kv.access;
      reply.array(users.length);
      for (const user of users) reply.byteString(`user ${user.name} ${user.describe()}`);
    },
  }),
  defineCommand({
    ...admin,
    id: 679,
    name: 'USERS',
    complexity: 'O(N). Where N is the number of configured users.',
    summary: 'Lists all ACL users.',
    args: {},
    run({ kv }, _args, reply) {
      const { users } = kv.access;
      reply.array(users.length);
      for (const { name } of users) reply.byteString(name);
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
  defineCommand({
    ...admin,
    id: 880,
    name: 'SETUSER',
    tips: onAllNodes,
    complexity: 'O(N). Where N is the number of rules provided.',
    summary: 'Creates and modifies an ACL user and its rules.',
    args: { username: bytes(), rules: rest() },
    hides: (_request, i) => i > 1,
    run: (ctx, { username }, reply) => setUser(ctx, username, reply),
  }),
  defineCommand({
    ...admin,
    id: 881,
    name: 'GETUSER',
    complexity: 'O(N). Where N is the number of password, command and pattern rules that the user has.',
    summary: 'Lists the ACL rules of a user.',
    args: { username: bytes() },
    run({ kv, request }, { username }, reply) {
      const user = kv.access.user(request.byteString(username));
      if (user === undefined) reply.null();
      else replyUser(user, reply);
    },
  }),
  defineCommand({
    ...admin,
    id: 882,
    name: 'DELUSER',
    tips: onAllNodes,
    complexity: 'O(1) amortized time considering the typical user.',
    summary: 'Deletes ACL users, and terminates their connections.',
    args: { usernames: repeat(bytes()) },
    run: (ctx, _args, reply) => deleteUsers(ctx, reply),
  }),
  defineCommand({
    ...admin,
    id: 883,
    name: 'LOAD',
    complexity: 'O(N). Where N is the number of configured users.',
    summary: 'Reloads the rules from the configured ACL file.',
    args: {},
    run: (ctx, _args, reply) => load(ctx, reply),
  }),
  defineCommand({
    ...admin,
    id: 884,
    name: 'SAVE',
    tips: onAllNodes,
    complexity: 'O(N). Where N is the number of configured users.',
    summary: 'Saves the effective ACL rules in the configured ACL file.',
    args: {},
    run: (ctx, _args, reply) => save(ctx, reply),
  }),
  defineCommand({
    ...admin,
    id: 885,
    name: 'LOG',
    complexity: 'O(N) with N being the number of entries shown.',
    summary: 'Lists recent security events generated due to ACL rules.',
    args: { operation: optional(bytes()) },
    run({ env, kv, request }, { operation }, reply) {
      const { log } = kv.access;
      if (operation !== null && request.is(operation, 'RESET')) {
        log.clear();
        return reply.ok();
      }
      const count = operation === null ? shownDefault : request.integer(operation);
      if (Number.isNaN(count)) return reply.error('ERR value is not an integer or out of range');
      replyLog(log.newest(Math.max(count, 0)), env.clock.now(), reply);
    },
  }),
  defineCommand({
    ...admin,
    id: 886,
    name: 'DRYRUN',
    since: '7.0.0',
    summary: 'Simulates the execution of a command by a user, without executing the command.',
    args: { username: bytes(), command: bytes(), arguments: rest() },
    run: (ctx, _args, reply) => dryRun(ctx, reply),
  }),
  help(681, 'ACL', 'server', '6.0.0', [
    'CAT [<category>]',
    '    List all commands that belong to <category>, or all command categories',
    '    when no category is specified.',
    'DELUSER <username> [<username> ...]',
    '    Delete a list of users.',
    'DRYRUN <username> <command> [<arg> ...]',
    '    Returns whether the user can execute the given command without executing the command.',
    'GETUSER <username>',
    "    Get the user's details.",
    'GENPASS [<bits>]',
    '    Generate a secure 256-bit user password. The optional `bits` argument can',
    '    be used to specify a different size.',
    'LIST',
    '    Show users details in config file format.',
    'LOAD',
    '    Reload users from the ACL file.',
    'LOG [<count> | RESET]',
    '    Show the ACL log entries.',
    'SAVE',
    '    Save the current config to the ACL file.',
    'SETUSER <username> <attribute> [<attribute> ...]',
    '    Create or modify a user with the specified attributes.',
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
