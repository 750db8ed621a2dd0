/**
 * One set of permissions: which commands, on which keys, over which channels. A user has one, the root, and
 * may have more; a command may run when one of them alone allows all of it.
 *
 *     +@all -flushall -@dangerous +config|get     commands: rules in their order, the last one that fits decides
 *     ~cache:* %R~config:*                        keys, for all uses or for reading only
 *     &news.*                                     channels
 */
import { type Request, textBytesMax } from '@holdfast/common';
import type { Command } from '../command.js';
import { globMatch } from '../glob.js';
import type { KeyUse } from '../grammar.js';
import type { Registry } from '../registry.js';
import { isAclCategory } from './categories.js';

const reading = 1;
const writing = 2;

interface KeyPattern {
  /** A byte string. */
  readonly pattern: string;
  /** `reading`, `writing`, or both. */
  uses: number;
}

/** What is denied. A command that is denied in one way only comes closer to being allowed, in this order. */
export type DenialReason = 'command' | 'key' | 'channel';

const closeness: Readonly<Record<DenialReason, number>> = { command: 1, key: 2, channel: 3 };

/** Why a request is denied, and the argument that shows it (0 for the command itself). */
export interface Denial {
  readonly reason: DenialReason;
  readonly position: number;
}

/** Whether `a` came closer to being allowed than `b`. */
export function isCloser(a: Denial, b: Denial): boolean {
  const difference = closeness[a.reason] - closeness[b.reason];
  return difference > 0 || (difference === 0 && a.position > b.position);
}

export const ruleErrors = {
  unknown: 'Unknown command or category name in ACL',
  syntax: 'Syntax error',
  keysAreAll:
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns",
  channelsAreAll:
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels",
  nestedFirstArgument: 'Allowing first-arg of a subcommand is not supported',
} as const;

export class Selector {
  readonly #registry: Registry;
  /** By the ids of commands. */
  #allowed: Uint8Array;
  /** By the id of a command that is not allowed as such: first arguments with which it is, in lower case. */
  #firstArguments = new Map<number, string[]>();
  /** What was said of commands, after `+@all` or `-@all`: `+get`, `-@write`. */
  #commandRules: string[] = [];
  #hasAllCommands = false;
  /** New commands are allowed too: nothing but `-@all` takes that back. */
  #allowsFuture = false;
  #hasAllKeys = false;
  #keys: KeyPattern[] = [];
  #hasAllChannels: boolean;
  #channels: string[] = [];

  constructor(registry: Registry, hasAllChannels: boolean) {
    this.#registry = registry;
    this.#allowed = new Uint8Array(registry.idEnd);
    this.#hasAllChannels = hasAllChannels;
  }

  copy(): Selector {
    const copy = new Selector(this.#registry, this.#hasAllChannels);
    copy.#allowed = this.#allowed.slice();
    copy.#firstArguments = new Map(Array.from(this.#firstArguments, ([id, names]) => [id, [...names]]));
    copy.#commandRules = [...this.#commandRules];
    copy.#hasAllCommands = this.#hasAllCommands;
    copy.#allowsFuture = this.#allowsFuture;
    copy.#hasAllKeys = this.#hasAllKeys;
    copy.#keys = this.#keys.map((key) => ({ ...key }));
    copy.#channels = [...this.#channels];
    return copy;
  }

  /** Nothing is denied. */
  get isUnlimited(): boolean {
    return this.#hasAllCommands && this.#hasAllKeys && this.#hasAllChannels;
  }

  /** Whatever is allowed may read any key. */
  get readsAnyKey(): boolean {
    return (
      this.#hasAllKeys || this.#keys.some(({ pattern, uses }) => pattern === '*' && (uses & reading) !== 0)
    );
  }

  get hasAllChannels(): boolean {
    return this.#hasAllChannels;
  }

  get channels(): readonly string[] {
    return this.#channels;
  }

  /** Applies one rule, a byte string; returns what is wrong with it, or null. */
  apply(rule: string): string | null {
    switch (rule.toLowerCase()) {
      case 'allkeys':
      case '~*':
        this.#hasAllKeys = true;
        this.#keys = [];
        return null;
      case 'resetkeys':
        this.#hasAllKeys = false;
        this.#keys = [];
        return null;
      case 'allchannels':
      case '&*':
        this.#hasAllChannels = true;
        this.#channels = [];
        return null;
      case 'resetchannels':
        this.#hasAllChannels = false;
        this.#channels = [];
        return null;
      case 'allcommands':
      case '+@all':
        this.#setAll(true);
        return null;
      case 'nocommands':
      case '-@all':
        this.#setAll(false);
        return null;
    }
    const rest = rule.slice(1);
    if (rule[0] === '~') return this.#addKeys(rest, reading | writing);
    if (rule[0] === '%') return this.#addKeysFor(rest);
    if (rule[0] === '&') return this.#addChannels(rest);
    if (rule[0] !== '+' && rule[0] !== '-') return ruleErrors.syntax;
    const isAllowed = rule[0] === '+';
    if (rest[0] === '@') return this.#setCategory(rest.slice(1).toLowerCase(), isAllowed);
    return isAllowed && rest.includes('|') ? this.#allowPart(rest) : this.#setCommand(rest, isAllowed);
  }

  /** Why a request, whose arity is right, is denied; null when it is allowed. */
  denial(command: Command, request: Request): Denial | null {
    if (!this.#mayRun(command, request)) return { reason: 'command', position: 0 };
    return this.#keyDenial(command, request) ?? this.#channelDenial(command, request);
  }

  /** Whether it allows a key, a byte string, to be removed. */
  mayRemove(key: string): boolean {
    return this.#hasAllKeys || this.#allowsKey(key, writing);
  }

  /** Whether a message of a channel may be heard, or those of a pattern, which must be one of those allowed. */
  allowsChannel(name: string, isPattern: boolean): boolean {
    if (this.#hasAllChannels) return true;
    return this.#channels.some((each) => (isPattern ? each === name : globMatch(each, name)));
  }

  // As rules, which give the same selector again

  get commandRules(): string {
    return [this.#allowsFuture ? '+@all' : '-@all', ...this.#commandRules].join(' ');
  }

  get keyRules(): readonly string[] {
    if (this.#hasAllKeys) return ['~*'];
    return this.#keys.map(({ pattern, uses }) => {
      if (uses === reading) return `%R~${pattern}`;
      return uses === writing ? `%W~${pattern}` : `~${pattern}`;
    });
  }

  get channelRules(): readonly string[] {
    return this.#hasAllChannels ? ['&*'] : this.#channels.map((channel) => `&${channel}`);
  }

  describe(): string {
    const channels = this.#hasAllChannels ? this.channelRules : ['resetchannels', ...this.channelRules];
    return [...this.keyRules, ...channels, this.commandRules].join(' ');
  }

  // Rules

  #setAll(isAllowed: boolean): void {
    this.#allowed.fill(isAllowed ? 1 : 0);
    this.#hasAllCommands = isAllowed;
    this.#allowsFuture = isAllowed;
    this.#commandRules = [];
    this.#firstArguments.clear();
  }

  #setCategory(category: string, isAllowed: boolean): string | null {
    if (!isAclCategory(category)) return ruleErrors.unknown;
    for (const command of this.#registry.commands) {
      for (const each of [command, ...command.subcommands.values()]) {
        if (each.categories.includes(category)) this.#set(each, isAllowed);
      }
    }
    this.#note(`@${category}`, isAllowed);
    return null;
  }

  #setCommand(name: string, isAllowed: boolean): string | null {
    const command = this.#registry.byName(name);
    if (command === undefined) return ruleErrors.unknown;
    this.#set(command, isAllowed);
    for (const subcommand of command.subcommands.values()) this.#set(subcommand, isAllowed);
    this.#note(command.fullName, isAllowed);
    return null;
  }

  /** `config|get`, a subcommand, or `select|0`, a command with a first argument. */
  #allowPart(name: string): string | null {
    const at = name.lastIndexOf('|');
    const command = this.#registry.byName(name.slice(0, at));
    const part = name.slice(at + 1).toLowerCase();
    if (command === undefined) return ruleErrors.unknown;
    if (command.argsStart !== 1) return ruleErrors.nestedFirstArgument;
    if (part === '') return ruleErrors.syntax;
    if (command.subcommands.size > 0) {
      const subcommand = command.subcommands.get(part.toUpperCase());
      if (subcommand === undefined) return ruleErrors.unknown;
      this.#set(subcommand, true);
    } else {
      const names = this.#firstArguments.get(command.id) ?? [];
      if (!names.includes(part)) this.#firstArguments.set(command.id, [...names, part]);
    }
    this.#note(name.toLowerCase(), true);
    return null;
  }

  #set({ id }: Command, isAllowed: boolean): void {
    this.#allowed[id] = isAllowed ? 1 : 0;
    if (!isAllowed) this.#hasAllCommands = false;
    this.#firstArguments.delete(id);
  }

  /** Notes a rule of commands; it makes earlier ones about the same, and its subcommands, superfluous. */
  #note(name: string, isAllowed: boolean): void {
    const kept = this.#commandRules.filter((rule) => {
      const other = rule.slice(1);
      return other !== name && !other.startsWith(`${name}|`);
    });
    this.#commandRules = [...kept, `${isAllowed ? '+' : '-'}${name}`];
  }

  /** What follows a `%`: letters and a pattern. */
  #addKeysFor(rest: string): string | null {
    if (this.#hasAllKeys) return ruleErrors.keysAreAll;
    const at = rest.indexOf('~');
    const letters = (at < 0 ? rest : rest.slice(0, at)).toUpperCase();
    if (!/^(R|W|RW|WR)$/.test(letters)) return ruleErrors.syntax;
    const uses = (letters.includes('R') ? reading : 0) | (letters.includes('W') ? writing : 0);
    return this.#addKeys(at < 0 ? '' : rest.slice(at + 1), uses);
  }

  #addKeys(pattern: string, uses: number): string | null {
    if (this.#hasAllKeys) return ruleErrors.keysAreAll;
    if (hasSpaces(pattern)) return ruleErrors.syntax;
    const known = this.#keys.find((key) => key.pattern === pattern);
    if (known === undefined) this.#keys.push({ pattern, uses });
    else known.uses |= uses;
    return null;
  }

  #addChannels(pattern: string): string | null {
    if (this.#hasAllChannels) return ruleErrors.channelsAreAll;
    if (hasSpaces(pattern)) return ruleErrors.syntax;
    if (!this.#channels.includes(pattern)) this.#channels.push(pattern);
    return null;
  }

  // Requests

  #mayRun(command: Command, request: Request): boolean {
    if (this.#hasAllCommands || this.#allowed[command.id] === 1 || command.flags.has('no_auth')) return true;
    const names = this.#firstArguments.get(command.id);
    if (names === undefined || request.count <= command.argsStart) return false;
    if (request.length(command.argsStart) > textBytesMax) return false;
    return names.includes(request.byteString(command.argsStart).toLowerCase());
  }

  #keyDenial(command: Command, request: Request): Denial | null {
    if (this.#hasAllKeys) return null;
    let position = 0;
    command.forEachKey(request, (i, spec) => {
      const { uses } = command.useOf(spec, request);
      if (position > 0 || uses.includes('not_key')) return;
      const isTooLong = request.length(i) > textBytesMax;
      if (isTooLong || !this.#allowsKey(request.byteString(i), neededFor(uses))) position = i;
    });
    return position === 0 ? null : { reason: 'key', position };
  }

  #allowsKey(key: string, needed: number): boolean {
    return this.#keys.some(({ pattern, uses }) => (uses & needed) === needed && globMatch(pattern, key));
  }

  #channelDenial(command: Command, request: Request): Denial | null {
    const { channels } = command.declaration;
    if (channels === undefined || this.#hasAllChannels) return null;
    const end = channels === 'published' ? 2 : request.count;
    for (let i = 1; i < end; i++) {
      const isTooLong = request.length(i) > textBytesMax;
      if (isTooLong || !this.allowsChannel(request.byteString(i), channels === 'patterns')) {
        return { reason: 'channel', position: i };
      }
    }
    return null;
  }
}

function neededFor(uses: readonly KeyUse[]): number {
  const isWritten = uses.includes('insert') || uses.includes('delete') || uses.includes('update');
  return (uses.includes('access') ? reading : 0) | (isWritten ? writing : 0);
}

/** Whether a name can't be told apart from its neighbours in a line of rules. */
export function hasSpaces(name: string): boolean {
  return /[\s\0]/.test(name);
}
