/** Random requests from the declarations of the commands: mostly right, sometimes almost, seldom not at all. */
import { type Random, randomBelow } from '@holdfast/common';
import type { ArgumentDoc, Command, CommandGroup } from '@holdfast/engine';
import { pick } from '../random-pick.js';
import { argumentValue, randomKey, strayWord } from './argument-values.js';
import type { RandomRequest } from './request.js';

export interface GeneratorOptions {
  /** Options that are left out. */
  readonly withoutTokens?: ReadonlySet<string>;
  /** Values of DUMP, for RESTORE. */
  readonly payloads?: readonly string[];
  /** New stream entries may take their id from the server's clock. */
  readonly usesClock?: boolean;
  /** How many in a hundred have something wrong with them; 8 unless given. */
  readonly damagedPercent?: number;
}

/** Commands that answer with as many elements as they are told: the numbers given to them stay small. */
const answersAtLength = /RAND/;

export class RequestGenerator {
  readonly #byGroup = new Map<CommandGroup, Command[]>();
  readonly #docs = new Map<Command, readonly ArgumentDoc[]>();
  readonly #options: GeneratorOptions;
  #random: Random;
  #command!: Command;
  #words: string[] = [];
  #lastMs = 10;
  #lastCount = 1;

  constructor(commands: readonly Command[], random: Random, options: GeneratorOptions = {}) {
    this.#random = random;
    this.#options = options;
    for (const command of commands) {
      const group = this.#byGroup.get(command.group);
      if (group === undefined) this.#byGroup.set(command.group, [command]);
      else group.push(command);
      this.#docs.set(command, command.describeArguments());
    }
  }

  get groups(): CommandGroup[] {
    return [...this.#byGroup.keys()];
  }

  /** As new, with other random numbers to come. */
  restart(random: Random): void {
    this.#random = random;
    this.#lastMs = 10;
    this.#lastCount = 1;
  }

  /** A request of one of the commands of `group`. */
  next(group: CommandGroup): RandomRequest {
    this.#command = pick(this.#byGroup.get(group) ?? [], this.#random);
    this.#words = this.#command.fullName.toUpperCase().split('|');
    for (const doc of this.#docs.get(this.#command) ?? []) this.#add(doc);
    return this.#chance(this.#options.damagedPercent ?? 8) ? this.#damaged() : this.#words;
  }

  #chance(percent: number): boolean {
    return randomBelow(this.#random, 100) < percent;
  }

  #add(doc: ArgumentDoc): void {
    if (doc.token !== undefined && this.#options.withoutTokens?.has(doc.token)) return;
    if (doc.flags.includes('optional') && !this.#chance(30)) return;
    const isMultiple = doc.flags.includes('multiple');
    const count =
      doc.token === 'WEIGHTS' && !this.#chance(10) ? this.#lastCount : isMultiple ? this.#repetitions() : 1;
    if (doc.token !== undefined && !doc.flags.includes('multiple_token')) this.#words.push(doc.token);
    if (doc.token === 'STREAMS') {
      this.#addStreams(doc);
      return;
    }
    for (let i = 0; i < count; i++) {
      if (doc.flags.includes('multiple_token')) this.#words.push(doc.token!);
      this.#addOne(doc);
    }
  }

  #repetitions(): number {
    if (this.#chance(1)) return 100 + randomBelow(this.#random, 600);
    return 1 + randomBelow(this.#random, this.#chance(20) ? 6 : 2);
  }

  #addOne(doc: ArgumentDoc): void {
    const parts = doc.arguments ?? [];
    switch (doc.type) {
      case 'pure-token':
        return;
      case 'oneof':
        this.#add(
          pick(
            parts.filter((part) => this.#isOffered(part)),
            this.#random,
          ),
        );
        return;
      case 'block':
        if (/^num/.test(parts[0].name)) this.#addCounted(parts);
        else for (const part of parts) this.#add(part);
        return;
      case 'key':
        this.#words.push(randomKey(this.#command.group, this.#random));
        return;
      default:
        this.#words.push(this.#value(doc));
    }
  }

  /** Without a clock new entries get ids of their own. */
  #isOffered({ token }: ArgumentDoc): boolean {
    if (token === '*' && this.#options.usesClock !== true) return false;
    return token === undefined || !this.#options.withoutTokens?.has(token);
  }

  #value({ name, type }: ArgumentDoc): string {
    const { group, name: command } = this.#command;
    if (name === 'count' && answersAtLength.test(command)) return String(randomBelow(this.#random, 30) - 15);
    if (name === 'serialized-value' && this.#options.payloads !== undefined && !this.#chance(10))
      return pick(this.#options.payloads, this.#random);
    if (command === 'XADD' && name === 'id' && !this.#chance(20)) {
      this.#lastMs += randomBelow(this.#random, 3);
      return `${this.#lastMs}-*`;
    }
    if (command === 'PFDEBUG')
      return pick(['GETREG', 'DECODE', 'ENCODING', 'TODENSE', 'nosuch'], this.#random);
    return argumentValue(group, name, type, this.#random);
  }

  /** How many, then so many; seldom another number. */
  #addCounted(parts: readonly ArgumentDoc[]): void {
    const count = this.#repetitions();
    this.#lastCount = count;
    const isWrong = this.#chance(4);
    this.#words.push(isWrong ? argumentValue('list', 'count', 'integer', this.#random) : String(count));
    for (const part of parts.slice(1)) for (let i = 0; i < count; i++) this.#addOne(part);
  }

  /** Keys, then as many ids. */
  #addStreams({ arguments: [key, id] = [] }: ArgumentDoc): void {
    const count = this.#repetitions();
    const special = this.#command.name === 'XREAD' ? '$' : '>';
    for (let i = 0; i < count; i++) this.#addOne(key);
    for (let i = 0; i < count; i++) {
      if (this.#chance(60)) this.#words.push(special);
      else this.#addOne(id);
    }
  }

  /** With a word more, less, twice, changed or in another place. */
  #damaged(): string[] {
    const words = this.#words;
    const at = 1 + randomBelow(this.#random, words.length);
    switch (randomBelow(this.#random, 5)) {
      case 0:
        return words.toSpliced(at, 0, strayWord(this.#random));
      case 1:
        return words.toSpliced(at, 1);
      case 2:
        return words.toSpliced(at, 0, ...words.slice(at, at + 1));
      case 3:
        return words.toSpliced(at, 1, strayWord(this.#random));
      default:
        return [...words.slice(0, at), ...words.slice(at).reverse()];
    }
  }
}
