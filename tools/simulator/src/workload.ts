/**
 * What clients do, in pairs: the commands of an operation, and the operation of a model that they are. Values
 * are never the same twice, so that a read tells which write it saw.
 */
import { type Random, randomBelow } from '@holdfast/common';
import type { Json } from '@holdfast/testing';
import type { Told } from './storage-node.js';

/** Which history an operation belongs to, and thereby which model judges it. */
export type Kind = 'register' | 'counter' | 'list' | 'set' | 'transaction' | 'expiring';

/** A read of whatever replica, which tells nothing about order. */
export interface StaleRead {
  readonly key: string;
  readonly command: readonly string[];
}

export interface Operation {
  readonly kind: Kind;
  readonly key: string;
  readonly commands: readonly (readonly string[])[];
  readonly isTransaction: boolean;
  readonly isRead: boolean;
  /** It changes something whenever it succeeds. */
  readonly isSureWrite: boolean;
  /** What it writes, if that is never written again. */
  readonly value: string | null;
  /** For the model. */
  readonly input: Json;
  /** What the replies say, for the model. Throws when they make no sense. */
  readonly output: (replies: readonly Told[]) => Json;
}

const keysPerKind = 2;
/** Of 100 operations. */
const staleShare = 8;

export class Workload {
  readonly #random: Random;
  readonly #client: string;
  #count = 0;

  constructor(client: string, random: Random) {
    this.#client = client;
    this.#random = random;
  }

  next(): Operation {
    const dice = randomBelow(this.#random, 100);
    if (dice < 30) return this.#register();
    if (dice < 48) return this.#counter();
    if (dice < 62) return this.#list();
    if (dice < 75) return this.#set();
    if (dice < 90) return this.#transaction();
    return this.#expiring();
  }

  /** Reads everything there is of one shard, at the end. */
  *reads(): Iterable<Operation> {
    for (let i = 0; i < keysPerKind; i++) {
      yield single('register', `r${i}`, ['GET', `r${i}`], { op: 'get' }, asIs, true);
      yield single('counter', `c${i}`, ['GET', `c${i}`], { op: 'get' }, asCount, true);
      yield single('list', `l${i}`, ['LRANGE', `l${i}`, '0', '-1'], { op: 'range' }, asIs, true);
      yield single('set', `s${i}`, ['SMEMBERS', `s${i}`], { op: 'members' }, asMembers, true);
      const step = { key: `{t${i}}a`, input: { op: 'get' } };
      yield several(`t${i}`, [['GET', `{t${i}}a`]], [step], true);
    }
  }

  /** Now and then. */
  staleRead(): StaleRead | null {
    if (randomBelow(this.#random, 100) >= staleShare) return null;
    const key = this.#key('r');
    return { key, command: ['GET', key] };
  }

  #key(prefix: string): string {
    return `${prefix}${randomBelow(this.#random, keysPerKind)}`;
  }

  #value(): string {
    return `${this.#client}:${++this.#count}`;
  }

  #isRead(): boolean {
    return randomBelow(this.#random, 2) === 0;
  }

  #register(): Operation {
    const key = this.#key('r');
    if (this.#isRead()) return single('register', key, ['GET', key], { op: 'get' }, asIs, true);
    const value = this.#value();
    const dice = randomBelow(this.#random, 4);
    if (dice === 0) return single('register', key, ['DEL', key], { op: 'delete' }, asFlag);
    if (dice === 1) {
      return single('register', key, ['SET', key, value, 'GET'], { op: 'swap', value }, asIs);
    }
    return single('register', key, ['SET', key, value], { op: 'set', value }, asDone);
  }

  #counter(): Operation {
    const key = this.#key('c');
    if (this.#isRead()) return single('counter', key, ['GET', key], { op: 'get' }, asCount, true);
    const by = 1 + randomBelow(this.#random, 9);
    return single('counter', key, ['INCRBY', key, String(by)], { op: 'add', by }, asIs);
  }

  #list(): Operation {
    const key = this.#key('l');
    const dice = randomBelow(this.#random, 6);
    if (dice === 0) return single('list', key, ['LRANGE', key, '0', '-1'], { op: 'range' }, asIs, true);
    if (dice === 1) return single('list', key, ['LPOP', key], { op: 'popLeft' }, asIs);
    // It may wait for longer than a failover takes, or be answered with nothing.
    if (dice === 2) return single('list', key, ['BLPOP', key, '0.4'], { op: 'popLeft' }, asPopped);
    if (dice === 3) return single('list', key, ['BRPOP', key, '0.1'], { op: 'popRight' }, asPopped);
    const values = [this.#value()];
    const op = dice === 4 ? 'pushLeft' : 'pushRight';
    return single('list', key, [dice === 4 ? 'LPUSH' : 'RPUSH', key, ...values], { op, values }, asIs);
  }

  #set(): Operation {
    const key = this.#key('s');
    const member = `m${randomBelow(this.#random, 4)}`;
    const dice = randomBelow(this.#random, 4);
    if (dice === 0) return single('set', key, ['SMEMBERS', key], { op: 'members' }, asMembers, true);
    if (dice === 1) {
      return single('set', key, ['SISMEMBER', key, member], { op: 'contains', member }, asFlag, true);
    }
    const [word, op] = dice === 2 ? ['SADD', 'add'] : ['SREM', 'remove'];
    return single('set', key, [word, key, member], { op, member }, asFlag);
  }

  /** Two keys of a shard at once. */
  #transaction(): Operation {
    const tag = this.#key('t');
    const commands: string[][] = [];
    const steps: { key: string; input: Json }[] = [];
    const isRead = this.#isRead();
    for (const key of [`{${tag}}a`, `{${tag}}b`]) {
      if (isRead) {
        commands.push(['GET', key]);
        steps.push({ key, input: { op: 'get' } });
      } else {
        const value = this.#value();
        commands.push(['SET', key, value]);
        steps.push({ key, input: { op: 'set', value } });
      }
    }
    return several(tag, commands, steps, isRead);
  }

  #expiring(): Operation {
    const key = this.#key('x');
    if (this.#isRead()) return single('expiring', key, ['GET', key], { op: 'get' }, asIs, true);
    const value = this.#value();
    const ms = 20 + randomBelow(this.#random, 400);
    return single('expiring', key, ['SET', key, value, 'PX', String(ms)], { op: 'set', value }, asDone);
  }
}

/** Commands that change something whenever they succeed. */
const surely = new Set(['SET', 'INCRBY', 'LPUSH', 'RPUSH']);

function single(
  kind: Kind,
  key: string,
  command: readonly string[],
  input: Json,
  convert: (reply: Told) => Json,
  isRead = false,
): Operation {
  const output = ([reply]: readonly Told[]): Json => convert(checked(reply));
  const isSureWrite = surely.has(command[0]);
  const value = command[0] === 'SET' && kind === 'register' ? command[2] : null;
  return { kind, key, commands: [command], isTransaction: false, isRead, isSureWrite, value, input, output };
}

function several(
  key: string,
  commands: readonly (readonly string[])[],
  steps: readonly { readonly key: string; readonly input: Json }[],
  isRead: boolean,
): Operation {
  const output = ([reply]: readonly Told[]): Json =>
    (checked(reply) as Told[]).map((each) => {
      const value = checked(each);
      return (value === 'OK' ? null : value) as Json;
    });
  const isSureWrite = !isRead;
  return {
    kind: 'transaction',
    key,
    commands,
    isTransaction: true,
    isRead,
    isSureWrite,
    value: null,
    input: steps,
    output,
  };
}

/** No operation here has a reason to fail. */
function checked(reply: Told): Told {
  if (typeof reply === 'object' && reply !== null && 'error' in reply) throw new Error(reply.error);
  return reply;
}

const asIs = (reply: Told): Json => reply as Json;
const asDone = (): Json => null;
const asFlag = (reply: Told): Json => reply === 1;
const asCount = (reply: Told): Json => Number(reply ?? 0);
const asMembers = (reply: Told): Json => [...(reply as string[])].sort();
const asPopped = (reply: Told): Json => (reply === null ? null : (reply as string[])[1]);
