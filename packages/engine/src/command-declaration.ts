/** What is declared of a command: by itself, once, in the file of the command. All else is derived by `Command`. */
import type { Reply, Request } from '@holdfast/common';
import type { Database, NameSelection } from '@holdfast/storage';
import type { Command } from './command.js';
import type { Context } from './context.js';
import type { ArgsOf, ArgumentShape, KeySpec, KeyUsage } from './grammar.js';

/** As COMMAND reports them; `movablekeys` is derived. */
export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'pubsub'
  | 'noscript'
  | 'blocking'
  | 'loading'
  | 'stale'
  | 'skip_monitor'
  | 'skip_slowlog'
  | 'asking'
  | 'fast'
  | 'no_auth'
  | 'may_replicate'
  | 'no_mandatory_keys'
  | 'no_async_loading'
  | 'no_multi'
  | 'allow_busy';

export type CommandGroup =
  | 'bitmap'
  | 'cluster'
  | 'connection'
  | 'generic'
  | 'geo'
  | 'hash'
  | 'hyperloglog'
  | 'list'
  | 'pubsub'
  | 'scripting'
  | 'server'
  | 'set'
  | 'sorted-set'
  | 'stream'
  | 'string'
  | 'transactions';

/** Tips of what each node has for itself: clients of a cluster tell all of them. */
export const onAllNodes = ['request_policy:all_nodes', 'response_policy:all_succeeded'] as const;

export interface CommandDeclaration<S extends ArgumentShape> {
  /** Persisted: never reused, never changed. */
  readonly id: number;
  /** Upper case; of a subcommand the last word (`GET` of `CONFIG GET`). */
  readonly name: string;
  readonly group: CommandGroup;
  readonly since: string;
  readonly complexity: string;
  readonly summary: string;
  readonly flags: readonly CommandFlag[];
  /** ACL categories beyond those that follow from flags, instead of the group's own. */
  readonly categories?: readonly string[];
  readonly tips?: readonly string[];
  readonly args: S;
  /** The arity, where it is not what the grammar gives. */
  readonly arity?: number;
  /**
   * Whether arguments beyond the grammar are reported as a wrong number of arguments, or as a syntax error:
   * unless said, the former, but the latter for commands that take words.
   */
  readonly surplusIsArityError?: boolean;
  /** The handler reads what follows the grammar's arguments itself. */
  readonly readsSurplus?: boolean;
  /** More arguments than this, the name among them, are a wrong number, whatever else is wrong. */
  readonly countMax?: number;
  /** Key positions, where they are not what the grammar gives. */
  readonly keySpecs?: readonly KeySpec[];
  /** Which keys a given request has, where the specifications name too many. They are used as the first one says. */
  readonly keysOf?: (request: Request) => { readonly first: number; readonly count: number };
  /** How a given request uses its keys, where that depends on its words (`variable_flags`). */
  readonly usageOf?: (request: Request) => KeyUsage;
  /**
   * Its arguments that are channels, as permissions see them: all of them as channels or as patterns to listen to,
   * or the first as one to publish to.
   */
  readonly channels?: 'channels' | 'patterns' | 'published';
  /** Commands named by the next word. A container has no handler of its own unless `run` is given. */
  readonly subcommands?: readonly Command[];
  /**
   * Keys that no specification names, by what the others hold or by the words of the request: visits each, once those
   * are in memory. What it passes is not kept.
   */
  readonly furtherKeys?: (db: Database, request: Request, visit: (key: Uint8Array) => void) => void;
  /** Its arguments that are patterns: of each star, what the keys hold is put in its place, and the key that comes of it read. */
  readonly keyPatterns?: (request: Request) => readonly number[];
  /**
   * Which elements of its key's value it reads and changes, when that is not all of them, and it removes none: those that
   * arguments `first`, `first + step`, ... name, or no elements at all. Negative: from the end on, down to the key.
   */
  readonly elements?: { readonly first: number; readonly step: number } | 'none';
  /** A database besides the session's in which its keys must be resident too; NaN for none. */
  readonly otherDatabase?: (request: Request) => number;
  /**
   * Needs pages of the key space resident, not only its keys: which. `names`: it needs no keys, but the names of those that
   * `selectsNames` says.
   */
  readonly scansKeyspace?: 'page' | 'sample' | 'names';
  /** Null when the command will have nothing but an error. What the selection keeps is a copy. */
  readonly selectsNames?: (request: Request) => NameSelection | null;
  /** Looks at keys without being an access to them: see UsageClock. */
  readonly leavesNoTrace?: boolean;
  /** Whether argument `i` is a secret, not to be shown by SLOWLOG and MONITOR. */
  readonly hides?: (request: Request, i: number) => boolean;
  readonly run?: (ctx: Context, args: ArgsOf<S>, reply: Reply) => void;
}
