/**
 * Certificates in files, which whoever renews them replaces while the process runs: they are looked at every half minute,
 * and taken once they belong together. What can't be used leaves those that were read before in place.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { type Env, KvError, Recurring } from '@holdfast/common';
import type { TlsMaterial, TlsSource } from '@holdfast/rpc';
import type { Logger } from 'pino';

/** How often the files are looked at, in ms: an orchestrator takes about a minute to bring new ones. */
const refreshIntervalMs = 30_000;

export class TlsFiles<T extends TlsMaterial> implements TlsSource<T> {
  readonly #read: () => T;
  readonly #listeners: (() => void)[] = [];
  #current: T;

  /** `read`: throws KvError INVALID when what is in the files can't be used. So does this. */
  constructor(read: () => T) {
    this.#read = read;
    this.#current = read();
  }

  get current(): T {
    return this.#current;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Whether there are others than before. Throws KvError INVALID. */
  refresh(): boolean {
    const found = this.#read();
    if (areSame(found, this.#current)) return false;
    this.#current = found;
    for (const listener of this.#listeners) listener();
    return true;
  }
}

export interface TlsWatchOptions {
  readonly env: Env;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Undefined where there is no TLS. */
  readonly files: readonly (TlsFiles<TlsMaterial> | undefined)[];
  readonly intervalMs?: number;
}

/** Looks at the files every now and then, until it is closed. */
export function watchTls({
  env: { timers },
  files,
  intervalMs = refreshIntervalMs,
  logger,
}: TlsWatchOptions): Recurring {
  const given = files.filter((each) => each !== undefined);
  const work = async (): Promise<void> => {
    for (const each of given) {
      try {
        if (each.refresh()) logger.info('new certificates are used from now on');
      } catch (error) {
        logger.warn(`the certificates that were read before are still used: ${(error as Error).message}`);
      }
    }
  };
  return new Recurring({ timers, intervalMs, work });
}

/** Throws KvError INVALID. */
export function contentOf(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new KvError('INVALID', `${name}: ${(error as Error).message}`);
  }
}

/** Throws KvError INVALID when TLS can't be had with this, for which `name` is to blame. */
export function checkTls(name: string, options: Parameters<typeof createSecureContext>[0]): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw new KvError('INVALID', `${name} can't be used: ${(error as Error).message}`);
  }
}

function areSame(a: TlsMaterial, b: TlsMaterial): boolean {
  return (['ca', 'certificate', 'key'] as const).every((name) => {
    const [one, other] = [a[name], b[name]];
    return one === undefined || other === undefined ? one === other : one.equals(other);
  });
}
