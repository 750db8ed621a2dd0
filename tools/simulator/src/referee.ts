/**
 * What clients were told beyond the histories, and the rules it must follow:
 *
 * - A write that was acknowledged before another began has the smaller version, whatever keys and shards they are of.
 * - A stale read shows a value that somebody wrote, and not one whose write was refused.
 */
import type { Json } from '@holdfast/testing';

interface Write {
  readonly shard: string;
  readonly invokedMs: number;
  readonly completedMs: number;
  readonly version: number;
  readonly what: string;
}

export class Referee {
  readonly #nowMs: () => number;
  /** Those that were acknowledged. */
  readonly writes: Write[] = [];
  /** Values of registers: when the first write of it began, and whether that was refused. */
  readonly #values = new Map<string, { readonly invokedMs: number; isRefused: boolean }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get nowMs(): number {
    return this.#nowMs();
  }

  /** A write was acknowledged. */
  acknowledged(shard: string, what: string, invokedMs: number, version: number): void {
    this.writes.push({ shard, invokedMs, completedMs: this.#nowMs(), version, what });
  }

  /** A value is about to be written, that never was before. */
  begins(value: string): void {
    this.#values.set(value, { invokedMs: this.#nowMs(), isRefused: false });
  }

  /** It was certainly not. */
  refused(value: string): void {
    this.#values.get(value)!.isRefused = true;
  }

  /** Throws when nobody can have written what a stale read showed. */
  sees(key: string, value: Json): void {
    if (value === null) return;
    const written = this.#values.get(String(value));
    if (written === undefined) throw new Error(`a stale read of ${key} shows ${value}, which nobody wrote`);
    this.#shown.push({ key, value: String(value) });
  }

  readonly #shown: { readonly key: string; readonly value: string }[] = [];

  /** At the end. Throws. */
  check(): void {
    for (const { key, value } of this.#shown) {
      if (!this.#values.get(value)!.isRefused) continue;
      throw new Error(`a stale read of ${key} shows ${value}, whose write was refused`);
    }
    this.#checkVersions();
  }

  #checkVersions(): void {
    const completed = [...this.writes].sort((a, b) => a.completedMs - b.completedMs);
    const begun = [...this.writes].sort((a, b) => a.invokedMs - b.invokedMs);
    let highest: Write | null = null;
    let i = 0;
    for (const write of begun) {
      for (; i < completed.length && completed[i].completedMs < write.invokedMs; i++) {
        if (highest === null || completed[i].version > highest.version) highest = completed[i];
      }
      if (highest === null || highest.version < write.version) continue;
      throw new Error(
        `${write.what} began at ${write.invokedMs} ms and has version ${write.version}, ` +
          `but ${highest.what} was acknowledged at ${highest.completedMs} ms with version ${highest.version}`,
      );
    }
  }
}
