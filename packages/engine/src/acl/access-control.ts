/**
 * Who may do what: the users, and what their clients were denied.
 *
 * A session whose user is not limited passes with one look (`Session.isUnlimited`). Nothing here is data: users are
 * kept in an ACL file, when there is one (`AclFile`), or given by the configuration at every start.
 */
import { type Clock, quotedBytesMax, type Request } from '@holdfast/common';
import type { Command } from '../command.js';
import { clientLine } from '../commands/connection/client-line.js';
import type { Config } from '../config.js';
import type { Registry } from '../registry.js';
import type { Session } from '../session.js';
import { AclLog, type LogContext, type LogReason } from './acl-log.js';
import type { Denial } from './selector.js';
import { hasSpaces } from './selector.js';
import { joinSelectors, User, unknownRule, withRules } from './user.js';

/** Where users are kept. Both throw an Error whose message says why. */
export interface AclFile {
  readonly path: string;
  read(): string;
  write(text: string): void;
}

export interface AccessControlOptions {
  readonly registry: Registry;
  readonly config: Config;
  readonly clock: Clock;
  readonly file: AclFile | null;
}

const atExec: Readonly<Record<Denial['reason'], string>> = {
  command: 'no permission to execute the command or subcommand',
  key: 'no permission to touch the specified keys',
  channel: 'no permission to access one of the channels used as arguments',
};

/** Users of other servers that are kept, so as not to read their rules again for each request. */
const admittedMax = 1000;

export class AccessControl {
  readonly file: AclFile | null;
  readonly log = new AclLog();
  /** Who a client is that said nothing. */
  readonly defaultUser: User;
  /** How often what was denied, since the start or RESETSTAT. */
  readonly denied: Record<LogReason, number> = { command: 0, key: 0, channel: 0, auth: 0 };
  readonly #registry: Registry;
  readonly #config: Config;
  readonly #clock: Clock;
  #users = new Map<string, User>();
  /** By what they may do: see `admitted`. */
  readonly #admitted = new Map<string, User>();

  constructor({ registry, config, clock, file }: AccessControlOptions) {
    this.#registry = registry;
    this.#config = config;
    this.#clock = clock;
    this.file = file;
    this.defaultUser = this.#unlimitedDefault();
    this.#users.set('default', this.defaultUser);
    config.onChange('requirepass', (password) => this.#requirePassword(password));
    config.onChange('acllog-max-len', () => {
      this.log.lengthMax = config.number('acllog-max-len');
    });
  }

  /** In the order of their names. */
  get users(): readonly User[] {
    return [...this.#users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  user(name: string): User | undefined {
    return this.#users.get(name);
  }

  /**
   * Somebody whom another server has let in, as `User.permissions` there. Nobody can log in as that user. Rules that are
   * not known here make one who may do nothing.
   */
  admitted(permissions: string): User {
    let user = this.#admitted.get(permissions);
    if (user !== undefined) return user;
    const [name, ...words] = permissions.split(' ');
    const nobody = new User(name, this.#registry, false);
    const made = withRules(nobody, joinSelectors(words).rules);
    user = made instanceof User ? made : nobody;
    if (this.#admitted.size >= admittedMax) this.#admitted.clear();
    this.#admitted.set(permissions, user);
    return user;
  }

  /** A client that says nothing is let in. */
  get needsNoPassword(): boolean {
    return this.defaultUser.needsNoPassword && this.defaultUser.isEnabled;
  }

  /** Whether the session now is that user. Byte strings. */
  authenticate(session: Session, name: string, password: string, request: Request): boolean {
    const user = this.#users.get(name);
    if (user?.accepts(password)) {
      session.account = user;
      session.isAuthenticated = true;
      return true;
    }
    const context = session.transaction === null ? 'toplevel' : 'multi';
    this.#note(session, { reason: 'auth', context, object: request.byteString(0), user: name, request });
    return false;
  }

  /** Whether a session may not run a command. Nothing is noted: `refusal` does that. */
  denies(session: Session, command: Command, request: Request): boolean {
    return (session.account?.denial(command, request) ?? null) !== null;
  }

  /** Why a session may not run a command, as an error; null when it may. */
  refusal(session: Session, command: Command, request: Request): string | null {
    const denial = session.account?.denial(command, request) ?? null;
    if (denial === null) return null;
    const context = session.transaction === null ? 'toplevel' : 'multi';
    this.#noteDenial(session, denial, command, request, context);
    return `NOPERM ${explain(session.user, denial, command, request, false)}`;
  }

  /** As `refusal`, for a command that EXEC is about to run. */
  refusalAtExec(session: Session, command: Command, request: Request): string | null {
    const denial = session.account?.denial(command, request) ?? null;
    if (denial === null) return null;
    this.#noteDenial(session, denial, command, request, 'multi');
    return `NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: ${atExec[denial.reason]}`;
  }

  /** As `refusal`, for a command of a script that the session runs. */
  refusalInScript(session: Session, command: Command, request: Request): string | null {
    const denial = session.account?.denial(command, request) ?? null;
    if (denial === null) return null;
    this.#noteDenial(session, denial, command, request, 'lua');
    return `ERR ACL failure in script: ${explain(session.user, denial, command, request, false)}`;
  }

  /** As `refusal`, of a key that a request does not name, but would remove: a byte string. */
  refusalOfRemoval(session: Session, command: Command, request: Request, key: string): string | null {
    if (session.account?.mayRemove(command, request, key) ?? true) return null;
    const context = session.transaction === null ? 'toplevel' : 'multi';
    this.#note(session, {
      reason: 'key',
      context,
      object: key.slice(0, quotedBytesMax),
      user: session.user,
      request,
    });
    return `NOPERM ${deniedTo('key')}`;
  }

  /** What a user would be told who tried; null when it may. */
  dryRun(user: User, command: Command, request: Request): string | null {
    const denial = user.denial(command, request);
    return denial === null ? null : explain(user.name, denial, command, request, true);
  }

  /**
   * Changes or creates a user: by all rules or, when one is wrong, by none, and says what is wrong. `changed` is told
   * of what the user was and is.
   */
  setUser(
    name: string,
    words: readonly string[],
    changed: (before: User, after: User) => void,
  ): string | null {
    if (hasSpaces(name)) return "ERR Usernames can't contain spaces or null characters";
    const { rules, unmatched } = joinSelectors(words);
    if (unmatched !== null) return `ERR Unmatched parenthesis in acl selector starting at '${unmatched}'.`;
    const known = this.#users.get(name);
    const result = withRules(known ?? this.#newUser(name), rules);
    if (!(result instanceof User)) {
      return `ERR Error in ACL SETUSER modifier '${result.rule}': ${result.problem}`;
    }
    if (known === undefined) {
      this.#users.set(name, result);
    } else {
      const before = known.copy();
      known.become(result);
      changed(before, known);
    }
    return null;
  }

  /** The user that was there; its clients have to go. */
  removeUser(name: string): User | undefined {
    const user = this.#users.get(name);
    this.#users.delete(name);
    return user;
  }

  /** All users, as an ACL file has them. */
  describe(): string {
    return this.users.map((user) => `user ${user.name} ${user.describe()}\n`).join('');
  }

  /**
   * Replaces all users by those of an ACL file: all or, when something is wrong, none, and says what is wrong.
   * `replaced` is told of each that was there, and what it is now, undefined when it is gone.
   */
  load(text: string, path: string, replaced: (before: User, after: User | undefined) => void): string | null {
    const users = new Map<string, User>();
    let problems = '';
    text.split('\n').forEach((line, i) => {
      problems += this.#readLine(line.trim(), `${path}:${i + 1}`, users);
    });
    if (problems !== '') {
      return `${problems}WARNING: ACL errors detected, no change to the previously active ACL rules was performed`;
    }
    const before = this.#users;
    const newDefault = users.get('default') ?? this.#unlimitedDefault();
    const oldDefault = this.defaultUser.copy();
    this.defaultUser.become(newDefault);
    users.set('default', this.defaultUser);
    this.#users = users;
    for (const user of before.values()) {
      if (user === this.defaultUser) replaced(oldDefault, user);
      else replaced(user, users.get(user.name));
    }
    return null;
  }

  clearCounts(): void {
    for (const reason of Object.keys(this.denied) as LogReason[]) this.denied[reason] = 0;
  }

  /** What is wrong with a line of an ACL file; empty when it is read. */
  #readLine(line: string, place: string, users: Map<string, User>): string {
    if (line === '') return '';
    const [keyword, name, ...words] = line.split(' ').filter((word) => word !== '');
    if (keyword !== 'user' || name === undefined) {
      return `${place} should start with user keyword followed by the username. `;
    }
    if (users.has(name))
      return `WARNING: Duplicate user '${name}' found on line ${place.split(':').at(-1)}. `;
    const { rules, unmatched } = joinSelectors(words);
    if (unmatched !== null) return `${place}: Unmatched parenthesis in selector definition.`;
    const result = withRules(this.#newUser(name), rules);
    if (result instanceof User) {
      users.set(name, result);
      return '';
    }
    const { rule, problem } = result;
    if (problem !== unknownRule) return `${place}: ${problem}. `;
    return `${place}: Error in applying operation '${rule}': ${problem}. `;
  }

  #newUser(name: string): User {
    return new User(name, this.#registry, this.#config.text('acl-pubsub-default') === 'allchannels');
  }

  #unlimitedDefault(): User {
    const user = this.#newUser('default');
    for (const rule of ['on', 'nopass', '~*', '&*', '+@all']) user.apply(rule);
    return user;
  }

  #requirePassword(password: string): void {
    this.defaultUser.apply('resetpass');
    this.defaultUser.apply(password === '' ? 'nopass' : `>${Buffer.from(password).toString('latin1')}`);
  }

  #noteDenial(
    session: Session,
    { reason, position }: Denial,
    command: Command,
    request: Request,
    context: LogContext,
  ): void {
    const object = reason === 'command' ? command.fullName : nameAt(request, position);
    this.#note(session, { reason, context, object, user: session.user, request });
  }

  #note(
    session: Session,
    {
      request,
      ...access
    }: {
      readonly reason: LogReason;
      readonly context: LogContext;
      readonly object: string;
      readonly user: string;
      readonly request: Request;
    },
  ): void {
    const nowMs = this.#clock.now();
    this.denied[access.reason]++;
    this.log.note({ ...access, client: clientLine(session, nowMs, request) }, nowMs);
  }
}

/** With `isNamed`, the key or channel is told: not to the client itself, which may have it from elsewhere. */
function explain(
  user: string,
  { reason, position }: Denial,
  command: Command,
  request: Request,
  isNamed: boolean,
): string {
  if (reason === 'command') return `User ${user} has no permissions to run the '${command.fullName}' command`;
  if (!isNamed) return deniedTo(reason);
  return `User ${user} has no permissions to access the '${nameAt(request, position)}' ${reason}`;
}

function deniedTo(what: 'key' | 'channel'): string {
  return `No permissions to access a ${what}`;
}

/** A key or channel, as far as it is told. */
function nameAt(request: Request, i: number): string {
  return Buffer.from(request.view(i).subarray(0, quotedBytesMax)).toString('latin1');
}
