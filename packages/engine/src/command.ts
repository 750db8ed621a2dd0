/**
 * A command, declared once: what it is called, what it takes, what it may do, and the handler. All that
 * others know of it is derived here and never written twice.
 */
import type { Reply, Request } from '@holdfast/common';
import type { CommandDeclaration, CommandFlag, CommandGroup } from './command-declaration.js';
import type { Context } from './context.js';
import {
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
import { keySpecsOf, soleKeyOf, visitKeys } from './key-positions.js';

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
  /** What answers it may never happen: it waits for keys, or for replicas. Those are not declared to block, as in Redis. */
  readonly waitsForOthers: boolean;
  /** Scripts may not call it. */
  readonly isNoScript: boolean;
  /** It may have effects beyond this server without writing. */
  readonly mayReplicate: boolean;
  readonly touchesKeys: boolean;
  readonly group: CommandGroup;
  readonly scansKeyspace: 'page' | 'sample' | 'names' | undefined;
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
  /**
   * Whose value of the call before has to be taken back: not those that every parse sets anyhow, whose cost showed for
   * commands with elements (LPUSH, SADD, HSET: one in thirty).
   */
  #resettable: Argument<unknown>[] = [];
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
    this.waitsForOthers = this.isBlocking || this.name === 'WAIT' || this.name === 'WAITAOF';
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
    this.#dirty = this.#resettable.length > 0;
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
    for (const spec of this.keySpecs) visitKeys(spec, request, visit);
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
    const parsed = this.#groups.flat();
    this.#resettable = parsed.filter(({ isAlwaysSet }) => !isAlwaysSet);
    this.#isRestOptional = parsed.every(({ countMin }) => countMin === 0);
    const { args } = this.#parser;
    this.#shape.forEach(([name, argument], i) => {
      args[name] = i < this.#constants ? this.argsStart + i : argument.initial();
    });
    const [first] = this.#groups.at(0) ?? [];
    this.#handled =
      first instanceof HandledArgument
        ? { ...this.#parser.args, [first.name]: this.argsStart + this.#constants }
        : null;
    this.keySpecs = declaration.keySpecs ?? keySpecsOf(this.#shape, this.argsStart);
    this.soleKey = soleKeyOf(this.keySpecs);
  }

  #resetArgs(): void {
    for (const argument of this.#resettable) this.#parser.args[argument.name] = argument.initial();
    this.#dirty = false;
  }
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
