/**
 * A command, declared once: what it is called, what it takes, what it may do, and the handler. All that
 * others know of it is derived here and never written twice.
 */
import type { Reply, Request } from '@holdfast/common';
import type { Database } from '@holdfast/storage';
import type { Context } from './context.js';
import {
  type ArgsOf,
  type Argument,
  type ArgumentDoc,
  ArgumentParser,
  type ArgumentShape,
  HandledArgument,
  IndexArgument,
  type KeySpec,
  type KeyUsage,
  syntaxError,
} from './grammar.js';

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
   * Keys that are named only by what the others hold: visits each, once those are in memory. What it passes is not
   * kept.
   */
  readonly furtherKeys?: (db: Database, request: Request, visit: (key: Uint8Array) => void) => void;
  /**
   * Which elements of its key's value it reads and changes, when that is not all of them, and it removes none: those that
   * arguments `first`, `first + step`, ... name, or no elements at all. Negative: from the end on, down to the key.
   */
  readonly elements?: { readonly first: number; readonly step: number } | 'none';
  /** A database besides the session's in which its keys must be resident too; NaN for none. */
  readonly otherDatabase?: (request: Request) => number;
  /** Needs pages of the key space resident, not only its keys: says which. */
  readonly scansKeyspace?: 'page' | 'all';
  /** Looks at keys without being an access to them: see UsageClock. */
  readonly leavesNoTrace?: boolean;
  /** Whether argument `i` is a secret, not to be shown by SLOWLOG and MONITOR. */
  readonly hides?: (request: Request, i: number) => boolean;
  readonly run?: (ctx: Context, args: ArgsOf<S>, reply: Reply) => void;
}

const groupCategories: Partial<Record<CommandGroup, string>> = {
  bitmap: 'bitmap',
  connection: 'connection',
  generic: 'keyspace',
  geo: 'geo',
  hash: 'hash',
  hyperloglog: 'hyperloglog',
  list: 'list',
  scripting: 'scripting',
  set: 'set',
  'sorted-set': 'sortedset',
  stream: 'stream',
  string: 'string',
  transactions: 'transaction',
};

export class Command {
  readonly id: number;
  readonly name: string;
  /** As errors and INFO name it: lower case, `config|get` for a subcommand. Set by the container. */
  fullName: string;
  readonly declaration: CommandDeclaration<ArgumentShape>;
  readonly flags: ReadonlySet<CommandFlag>;
  readonly isWrite: boolean;
  readonly isReadonly: boolean;
  readonly isBlocking: boolean;
  /** Scripts may not call it. */
  readonly isNoScript: boolean;
  /** It may have effects beyond this server without writing. */
  readonly mayReplicate: boolean;
  readonly touchesKeys: boolean;
  readonly group: CommandGroup;
  readonly scansKeyspace: 'page' | 'all' | undefined;
  /** See `CommandDeclaration`; undefined when it needs the whole values of its keys. */
  readonly elements: { readonly first: number; readonly step: number } | 'none' | undefined;
  /** Where the keys are. */
  keySpecs: readonly KeySpec[] = [];
  /** Index of the only key, when it is that simple; 0 otherwise. */
  soleKey = 0;
  /** First argument after the name: 1, or 2 for a subcommand. */
  argsStart = 1;
  /** Positive: exactly; negative: at least. The name counts. Set once the place in the tree is known. */
  arity = 0;
  readonly subcommands = new Map<string, Command>();
  /** Named by one word alone: neither a subcommand nor a container of such. */
  standsAlone = true;
  readonly run: ((ctx: Context, args: never, reply: Reply) => void) | null;
  /**
   * A call with at most so many arguments takes no long time, whatever the data: only some of these are
   * timed. Of fast commands, those calls that ask for the least.
   */
  quickCountMax = 0;

  readonly #shape: [string, Argument<unknown>][];
  readonly #parser = new ArgumentParser();
  readonly #groups: Argument<unknown>[][] = [];
  /** Arguments whose value never changes: fixed positions of bytes. The rest must be parsed. */
  #constants = 0;
  /**
   * What the handler gets when all that follows `#constants` is its own to read, and there is any: always the same. A
   * twentieth of EVALSHA went into finding that out for each call.
   */
  #handled: Record<string, unknown> | null = null;
  /** Nothing but `#constants` is required. */
  #isRestOptional = false;
  #dirty = false;
  readonly #countMax: number;

  constructor(declaration: CommandDeclaration<ArgumentShape>) {
    this.declaration = declaration;
    this.id = declaration.id;
    this.name = declaration.name;
    this.fullName = declaration.name.toLowerCase();
    this.flags = new Set(declaration.flags);
    this.isWrite = this.flags.has('write');
    this.isReadonly = this.flags.has('readonly');
    this.group = declaration.group;
    this.scansKeyspace = declaration.scansKeyspace;
    this.elements = declaration.elements;
    this.isBlocking = this.flags.has('blocking');
    this.isNoScript = this.flags.has('noscript');
    this.mayReplicate = this.flags.has('may_replicate');
    this.touchesKeys = !declaration.leavesNoTrace;
    this.run = (declaration.run as typeof this.run) ?? null;
    this.#countMax = declaration.countMax ?? Number.POSITIVE_INFINITY;
    this.#shape = Object.entries(declaration.args);
    for (const [name, argument] of this.#shape) argument.name = name;
    for (const sub of declaration.subcommands ?? []) {
      this.subcommands.set(sub.name, sub);
      sub.fullName = `${this.fullName}|${sub.name.toLowerCase()}`;
      sub.argsStart = 2;
      sub.standsAlone = false;
      this.standsAlone = false;
      sub.#place();
    }
    this.#place();
  }

  /** Parses a request into the object that `run` receives; null when it does not fit: see `parseError`. */
  parse(request: Request): object | null {
    const parser = this.#parser;
    if (this.#dirty) this.#resetArgs();
    if (request.count > this.#countMax) {
      parser.fail(`ERR wrong number of arguments for '${this.fullName}' command`);
      return null;
    }
    if (this.#groups.length === 0) return parser.args;
    let at = this.argsStart + this.#constants;
    if (at === request.count && this.#isRestOptional) return parser.args;
    if (this.#handled !== null && at < request.count) return this.#handled;
    this.#dirty = true;
    parser.request = request;
    for (const group of this.#groups) {
      at = group[0].isOption ? parseGroup(parser, group, at) : group[0].parse(parser, at);
      if (at < 0) return null;
    }
    if (at === request.count || this.declaration.readsSurplus) return parser.args;
    parser.fail(this.#surplusError());
    return null;
  }

  /**
   * Which argument of the request that was just parsed is longer than the grammar allows: its index, or -1.
   * Keys have a limit, and what becomes a field or member.
   */
  findTooLong(request: Request): number {
    const { args } = this.#parser;
    for (const [name, argument] of this.#shape) {
      const found = argument.findTooLong(request, args[name]);
      if (found >= 0) return found;
    }
    return -1;
  }

  /** Why the last `parse` returned null. */
  get parseError(): string {
    return this.#parser.error;
  }

  isSecret(request: Request, i: number): boolean {
    return this.declaration.hides?.(request, i) ?? false;
  }

  get hasMovableKeys(): boolean {
    return this.keySpecs.some((spec) => !('index' in spec.begin) || 'keyNumIndex' in spec.find);
  }

  /** Calls `visit` with the index of each key in a request that fits the arity. */
  forEachKey(request: Request, visit: (index: number, spec: KeySpec) => void): void {
    const { keysOf } = this.declaration;
    if (keysOf !== undefined) {
      const { first, count } = keysOf(request);
      for (let i = 0; i < count; i++) visit(first + i, this.keySpecs[0]);
      return;
    }
    for (const spec of this.keySpecs) {
      const first = findFirst(request, spec.begin);
      if (first <= 0 || first >= request.count) continue;
      if ('lastKey' in spec.find) {
        const { lastKey, step, limit } = spec.find;
        let last = lastKey < 0 ? request.count + lastKey : first + lastKey;
        if (lastKey === -1 && limit > 1) last = first + Math.floor((request.count - first) / limit) - 1;
        for (let i = first; i <= last && i < request.count; i += step) visit(i, spec);
      } else {
        const { firstKey, keyNumIndex, step } = spec.find;
        const count = request.integer(first + keyNumIndex);
        // More keys than there are arguments: the command will refuse it, and none of them is a key.
        if (first + firstKey + (count - 1) * step >= request.count) continue;
        for (let i = 0; i < count; i++) visit(first + firstKey + i * step, spec);
      }
    }
  }

  /** How a request uses the keys of a specification. */
  useOf(spec: KeySpec, request: Request): KeyUsage {
    const { usageOf } = this.declaration;
    return usageOf !== undefined && spec.uses.includes('variable_flags') ? usageOf(request) : spec;
  }

  /** ACL categories, without the `@`. */
  get categories(): string[] {
    const { flags, declaration } = this;
    const categories = new Set<string>(declaration.categories ?? []);
    const group = groupCategories[declaration.group];
    const isContainer = this.run === null && this.subcommands.size > 0;
    if (group !== undefined && declaration.categories === undefined && !isContainer) categories.add(group);
    if (flags.has('write')) categories.add('write');
    if (flags.has('readonly') && !categories.has('scripting')) categories.add('read');
    if (flags.has('admin')) categories.add('admin').add('dangerous');
    if (flags.has('pubsub')) categories.add('pubsub');
    if (flags.has('blocking')) categories.add('blocking');
    categories.add(flags.has('fast') ? 'fast' : 'slow');
    return [...categories];
  }

  describeArguments(): ArgumentDoc[] {
    return this.#shape
      .filter(([, argument]) => argument.isDocumented)
      .map(([, argument]) => argument.describe());
  }

  #surplusError(): string {
    const takesWords = this.#shape.some(([, argument]) => argument.isOption);
    const isArityError = this.declaration.surplusIsArityError ?? !takesWords;
    if (!isArityError) return syntaxError;
    if (this.argsStart === 2) {
      const container = this.fullName.slice(0, this.fullName.indexOf('|')).toUpperCase();
      return wrongSubcommand(container, this.#parser.request);
    }
    return `ERR wrong number of arguments for '${this.fullName}' command`;
  }

  /** Derives what depends on where the arguments start. */
  #place(): void {
    const { declaration } = this;
    let countMin = this.argsStart;
    let isFixed = true;
    for (const [, argument] of this.#shape) {
      countMin += argument.countMin;
      isFixed &&= argument.isFixed;
    }
    if (this.subcommands.size > 0) this.arity = declaration.arity ?? (this.run === null ? -2 : -1);
    else this.arity = declaration.arity ?? (isFixed ? countMin : -countMin);
    this.quickCountMax = this.flags.has('fast') ? Math.abs(this.arity) : 0;
    if (declaration.complexity === 'O(1)') this.quickCountMax = Number.POSITIVE_INFINITY;
    this.#constants = 0;
    this.#groups.length = 0;
    for (const [, argument] of this.#shape) {
      if (this.#groups.length === 0 && argument instanceof IndexArgument) {
        this.#constants++;
        continue;
      }
      const last = this.#groups.at(-1);
      if (argument.isOption && last?.[0].isOption) last.push(argument);
      else this.#groups.push([argument]);
    }
    this.#isRestOptional = this.#groups.every((group) => group[0].countMin === 0);
    this.#resetArgs();
    const [first] = this.#groups.at(0) ?? [];
    this.#handled =
      first instanceof HandledArgument
        ? { ...this.#parser.args, [first.name]: this.argsStart + this.#constants }
        : null;
    this.#deriveKeys();
  }

  #resetArgs(): void {
    const { args } = this.#parser;
    for (let i = 0; i < this.#shape.length; i++) {
      const [name, argument] = this.#shape[i];
      args[name] = i < this.#constants ? this.argsStart + i : argument.initial();
    }
    this.#dirty = false;
  }

  #deriveKeys(): void {
    const specs: KeySpec[] = [...(this.declaration.keySpecs ?? [])];
    if (specs.length === 0) {
      let position = this.argsStart;
      for (const [, argument] of this.#shape) {
        argument.collectKeys(position, { specs });
        position = argument.isFixed ? position + argument.countMin : Number.NaN;
      }
    }
    this.keySpecs = specs;
    const [only] = specs;
    const isSole =
      specs.length === 1 && 'index' in only.begin && 'lastKey' in only.find && only.find.lastKey === 0;
    this.soleKey = isSole && 'index' in only.begin ? only.begin.index : 0;
  }
}

function findFirst(request: Request, begin: KeySpec['begin']): number {
  if ('index' in begin) return begin.index;
  return 'search' in begin ? begin.search(request) : findKeyword(request, begin);
}

function findKeyword(request: Request, begin: { keyword: string; startFrom: number }): number {
  if (begin.startFrom > 0) {
    for (let i = begin.startFrom; i < request.count; i++) if (request.is(i, begin.keyword)) return i + 1;
    return 0;
  }
  for (let i = request.count + begin.startFrom; i > 0; i--) if (request.is(i, begin.keyword)) return i + 1;
  return 0;
}

/** What Redis says when a subcommand gets more arguments than it takes. */
export function wrongSubcommand(container: string, request: Request): string {
  return `ERR unknown subcommand or wrong number of arguments for '${request.quoted(1, 128)}'. Try ${container} HELP.`;
}

/** Options in any order: as many as match. */
function parseGroup(parser: ArgumentParser, group: readonly Argument<unknown>[], start: number): number {
  let at = start;
  for (let matched = true; matched && at < parser.request.count; ) {
    matched = false;
    for (const argument of group) {
      const next = argument.parse(parser, at);
      if (next < 0) return next;
      if (next === at) continue;
      at = next;
      matched = true;
      break;
    }
  }
  return at;
}

/** Declares a command: the type of `args` in `run` follows from the grammar. */
export function defineCommand<S extends ArgumentShape>(declaration: CommandDeclaration<S>): Command {
  return new Command(declaration as unknown as CommandDeclaration<ArgumentShape>);
}
