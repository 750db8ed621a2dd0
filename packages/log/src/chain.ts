/**
 * The chain of a virtual log: its segments, as its register keeps them.
 *
 *     segments   a: after 0      b: after 41     c: after 97          each ends where the next begins
 *                [1 ... 41]      [42 ... 97]     [98 ...              the last one is active, the others sealed
 *     next       d, while a reconfiguration is under way: whoever finds the active one sealed goes on with it
 *
 * Each change carries a mark of its own, so that who made it knows it again when there was no answer.
 */
import { KvError, type Random } from '@holdfast/common';
import type { Position } from './log.js';
import type { Register } from './register.js';

/** One log of the chain. Its name is never used again. */
export interface Segment {
  readonly name: string;
  /** What opens it: see `Segments`. */
  readonly kind: string;
  /** The position before its first. */
  readonly after: Position;
  /** The last epoch before it: it takes no writer below. */
  readonly epoch: number;
}

export interface Chain {
  /** Of its changes: the higher the newer. */
  readonly revision: number;
  /** In order, at least one. */
  readonly segments: readonly Segment[];
  /** What is to follow the active segment. */
  readonly next: Pick<Segment, 'name' | 'kind'> | null;
  /** Trimmed as a whole, and not yet removed. */
  readonly dropped: readonly Segment[];
  /** Nothing follows the active segment any more. */
  readonly isSealed: boolean;
}

const format = 1;

export class ChainRegister {
  readonly #register: Register;
  readonly #random: Random;

  constructor(register: Register, random: Random) {
    this.#register = register;
    this.#random = random;
  }

  /** Null when there is none yet. Throws KvError UNAVAILABLE, CORRUPT. */
  find(): Promise<Chain | null> {
    return readChain(this.#register);
  }

  /** Throws KvError UNAVAILABLE, CORRUPT. */
  read(): Promise<Chain> {
    return this.change(() => null);
  }

  /** The chain; when there is none yet, it is one of the one segment `first`. */
  open(first: Segment): Promise<Chain> {
    const chain = { revision: 0, segments: [first], next: null, dropped: [], isSealed: false };
    return this.#change((found) => (found === null ? chain : null));
  }

  /**
   * Changes the chain as `change` says, which may be asked again when others were faster; null from it changes
   * nothing. Resolves with the chain as it is then.
   */
  change(change: (chain: Chain) => Chain | null): Promise<Chain> {
    return this.#change((found) => {
      if (found !== null) return change(found);
      throw new KvError('INVALID', 'the register holds no chain any more');
    });
  }

  /** A name that nobody else has. */
  unique(): string {
    return Buffer.from(this.#random.fill(new Uint8Array(8))).toString('hex');
  }

  async #change(change: (chain: Chain | null) => Chain | null): Promise<Chain> {
    const mark = this.unique();
    for (;;) {
      const { version, value } = await this.#register.read();
      const stored = decode(value);
      const chain = stored?.chain ?? null;
      if (stored?.mark === mark) return stored.chain;
      const wanted = change(chain);
      if (wanted === null) return chain!;
      const changed = { ...wanted, revision: (chain?.revision ?? 0) + 1 };
      try {
        if (await this.#register.compareAndSet(version, encode(changed, mark))) return changed;
      } catch (error) {
        if (!(error instanceof KvError) || error.code !== 'UNDETERMINED') throw error;
      }
    }
  }
}

/** The chain that a register holds; null when there is none. Throws KvError UNAVAILABLE, CORRUPT. */
export async function readChain(register: Register): Promise<Chain | null> {
  return decode((await register.read()).value)?.chain ?? null;
}

export function activeOf({ segments }: Chain): Segment {
  return segments[segments.length - 1];
}

interface Stored {
  readonly format: number;
  readonly mark: string;
  readonly chain: Chain;
}

function encode(chain: Chain, mark: string): Uint8Array {
  const stored: Stored = { format, mark, chain };
  return Buffer.from(JSON.stringify(stored));
}

function decode(value: Uint8Array): Stored | null {
  if (value.length === 0) return null;
  try {
    const stored = JSON.parse(Buffer.from(value).toString()) as Stored;
    if (stored.format === format) return stored;
  } catch {
    // Said below.
  }
  throw new KvError('CORRUPT', 'the chain of the virtual log is damaged, or of a newer version');
}
