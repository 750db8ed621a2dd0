/** A user: a name, passwords, and what it may do, as ACL rules tell. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request } from '@holdfast/common';
import type { Command } from '../command.js';
import type { Registry } from '../registry.js';
import { type Denial, isCloser, ruleErrors, Selector } from './selector.js';

const passwordErrors = {
  unknown: 'The password you are trying to remove from the user does not exist',
  hash: 'The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters',
} as const;

/** SHA-256 in hex: passwords are kept in no other form. `password` is a byte string. */
export function hashPassword(password: string): string {
  return createHash('sha256').update(password, 'latin1').digest('hex');
}

export class User {
  /** A byte string. */
  readonly name: string;
  readonly #registry: Registry;
  /** What channels a user may listen to of which nothing was said. */
  readonly #hasAllChannelsAtFirst: boolean;
  #isEnabled = false;
  #needsNoPassword = false;
  #skipsSanitizing = false;
  #passwords: string[] = [];
  /** The root first. */
  #selectors: Selector[];
  #isUnlimited = false;
  /** See `permissions`; null when it is not known. */
  #permissions: string | null = null;

  /** A user that may do nothing. */
  constructor(name: string, registry: Registry, hasAllChannelsAtFirst: boolean) {
    this.name = name;
    this.#registry = registry;
    this.#hasAllChannelsAtFirst = hasAllChannelsAtFirst;
    this.#selectors = [new Selector(registry, hasAllChannelsAtFirst)];
  }

  /** Nothing is denied: what most servers' only user is. */
  get isUnlimited(): boolean {
    return this.#isUnlimited;
  }

  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  get needsNoPassword(): boolean {
    return this.#needsNoPassword;
  }

  get passwords(): readonly string[] {
    return this.#passwords;
  }

  get selectors(): readonly Selector[] {
    return this.#selectors;
  }

  get flags(): readonly string[] {
    return [
      this.#isEnabled ? 'on' : 'off',
      ...(this.#needsNoPassword ? ['nopass'] : []),
      this.#skipsSanitizing ? 'skip-sanitize-payload' : 'sanitize-payload',
    ];
  }

  /** The rules that make this user, as in an ACL file. */
  describe(): string {
    const [root, ...more] = this.#selectors;
    return [
      ...this.flags,
      ...this.#passwords.map((hash) => `#${hash}`),
      root.describe(),
      ...more.map((selector) => `(${selector.describe()})`),
    ].join(' ');
  }

  /** Its name, and the rules that let a user do what this one may: no passwords. See `AccessControl.admitted`. */
  get permissions(): string {
    if (this.#permissions === null) {
      const [root, ...more] = this.#selectors;
      const rules = [root.describe(), ...more.map((selector) => `(${selector.describe()})`)];
      this.#permissions = [this.name, ...rules].join(' ');
    }
    return this.#permissions;
  }

  copy(): User {
    const copy = new User(this.name, this.#registry, this.#hasAllChannelsAtFirst);
    copy.become(this);
    return copy;
  }

  /** Takes over everything but the name: those who are this user go on as what it now is. */
  become(other: User): void {
    this.#isEnabled = other.#isEnabled;
    this.#needsNoPassword = other.#needsNoPassword;
    this.#skipsSanitizing = other.#skipsSanitizing;
    this.#passwords = [...other.#passwords];
    this.#selectors = other.#selectors.map((selector) => selector.copy());
    this.#isUnlimited = other.#isUnlimited;
    this.#permissions = null;
  }

  /** Applies one rule, a byte string; returns what is wrong with it, or null. */
  apply(rule: string): string | null {
    const problem = this.#apply(rule);
    this.#isUnlimited = this.#selectors.some((selector) => selector.isUnlimited);
    this.#permissions = null;
    return problem;
  }

  /** Whether a client that gives this password is the user. */
  accepts(password: string): boolean {
    if (!this.#isEnabled) return false;
    if (this.#needsNoPassword) return true;
    const hash = Buffer.from(hashPassword(password));
    return this.#passwords.some((each) => timingSafeEqual(Buffer.from(each), hash));
  }

  /** Why a request, whose arity is right, is denied; null when it is allowed. */
  denial(command: Command, request: Request): Denial | null {
    let closest: Denial | null = null;
    for (const selector of this.#selectors) {
      const denial = selector.denial(command, request);
      if (denial === null) return null;
      if (closest === null || isCloser(denial, closest)) closest = denial;
    }
    return closest;
  }

  /** Whether a request may read keys that it does not name, but makes of what it finds. */
  readsAnyKey(command: Command, request: Request): boolean {
    if (this.#isUnlimited) return true;
    return this.#selectors.some(
      (selector) => selector.readsAnyKey && selector.denial(command, request) === null,
    );
  }

  /** Whether a request may remove a key, a byte string, that it does not name, but comes upon. */
  mayRemove(command: Command, request: Request, key: string): boolean {
    if (this.#isUnlimited) return true;
    return this.#selectors.some(
      (selector) => selector.mayRemove(key) && selector.denial(command, request) === null,
    );
  }

  allowsChannel(name: string, isPattern: boolean): boolean {
    return this.#selectors.some((selector) => selector.allowsChannel(name, isPattern));
  }

  #apply(rule: string): string | null {
    const word = rule.toLowerCase();
    switch (word) {
      case '':
        return null;
      case 'on':
      case 'off':
        this.#isEnabled = word === 'on';
        return null;
      case 'skip-sanitize-payload':
      case 'sanitize-payload':
        this.#skipsSanitizing = word === 'skip-sanitize-payload';
        return null;
      case 'nopass':
      case 'resetpass':
        this.#needsNoPassword = word === 'nopass';
        this.#passwords = [];
        return null;
      case 'clearselectors':
        this.#selectors.length = 1;
        return null;
      case 'reset':
        this.become(new User(this.name, this.#registry, this.#hasAllChannelsAtFirst));
        return null;
    }
    const rest = rule.slice(1);
    switch (rule[0]) {
      case '>':
        return this.#addPassword(hashPassword(rest));
      case '#':
        return isHash(rest) ? this.#addPassword(rest) : passwordErrors.hash;
      case '<':
        return this.#removePassword(hashPassword(rest));
      case '!':
        return isHash(rest) ? this.#removePassword(rest) : passwordErrors.hash;
    }
    if (rule[0] === '(' && rule.endsWith(')')) return this.#addSelector(rule.slice(1, -1));
    return this.#selectors[0].apply(rule);
  }

  #addPassword(hash: string): null {
    if (!this.#passwords.includes(hash)) this.#passwords.push(hash);
    this.#needsNoPassword = false;
    return null;
  }

  #removePassword(hash: string): string | null {
    if (!this.#passwords.includes(hash)) return passwordErrors.unknown;
    this.#passwords = this.#passwords.filter((each) => each !== hash);
    return null;
  }

  #addSelector(rules: string): string | null {
    const selector = new Selector(this.#registry, this.#hasAllChannelsAtFirst);
    for (const rule of rules.split(' ')) {
      const problem = rule === '' ? null : selector.apply(rule);
      if (problem !== null) return problem;
    }
    this.#selectors.push(selector);
    return null;
  }
}

/**
 * Joins the words of selectors in parentheses, which clients may send one by one. Returns the first word of one that
 * is not closed as `unmatched`.
 */
export function joinSelectors(words: readonly string[]): {
  readonly rules: readonly string[];
  readonly unmatched: string | null;
} {
  const rules: string[] = [];
  let open: string[] = [];
  for (const word of words) {
    if (open.length === 0 && !(word.startsWith('(') && !word.endsWith(')'))) {
      rules.push(word);
      continue;
    }
    open.push(word);
    if (!word.endsWith(')')) continue;
    rules.push(open.join(' '));
    open = [];
  }
  return { rules, unmatched: open[0] ?? null };
}

/** Applies rules in order to a copy; the copy, or what is wrong with which rule. */
export function withRules(
  user: User,
  rules: readonly string[],
): User | { readonly rule: string; readonly problem: string } {
  const copy = user.copy();
  for (const rule of rules) {
    const problem = copy.apply(rule);
    if (problem !== null) return { rule, problem };
  }
  return copy;
}

export const unknownRule: string = ruleErrors.unknown;

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
