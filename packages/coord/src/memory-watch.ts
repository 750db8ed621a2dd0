/**
 * Watches what is held against `maxmemory` beside the data, and keeps clients within `maxmemory-clients` and the heap.
 *
 * The runtime takes some tens of megabytes whatever the data. With a limit of a gigabyte that is of no matter; with 200
 * MB it would make the process half as large again as what it was allowed. So what the process takes beside
 * the data, beyond 15% of the limit, is held against it too, but never more than leaves the data 64 MiB and 15%
 * of what the limit is above them: small limits are about the data alone. Removing keys gives nothing back at once, since
 * arenas and heap keep their pages: what is tolerated is less than the 30% that the process shall stay within.
 */
import { clientMemory, type KV, type Session } from '@holdfast/engine';
import type { ClientRegistry } from './client-registry.js';
import { HeapWatch } from './heap-watch.js';
import type { MemoryBudget } from './memory-budget.js';
import { residentBytes } from './process-figures.js';

const toleratedShare = 0.15;
const freeOfChargeBytes = 64 * 1024 * 1024;
const chargedShareMax = 0.85;

export interface MemoryWatchOptions {
  readonly kv: KV;
  readonly clients: ClientRegistry;
  /** With the other engines of the process, where there are others. */
  readonly budget: MemoryBudget;
  /** Ends a session that takes too much. */
  readonly evict: (session: Session) => void;
}

export class MemoryWatch {
  /** What all clients take, as of the last look. */
  clientBytes = 0;
  /** What the process takes beside, as far as it is held against the limit: a part of it, where several share that. */
  processBytes = 0;
  readonly #options: MemoryWatchOptions;
  readonly #heap: HeapWatch;
  #limitsClients = false;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#heap = new HeapWatch({
      sessions: () => options.clients.all(),
      evict: (session) => this.#evict(session),
    });
    const { config } = options.kv;
    config.onChange('maxmemory-clients', (value) => {
      this.#limitsClients = value !== '0';
    });
    options.kv.eviction.measure = () => this.#measure();
    options.budget.join(options.kv);
  }

  /** The engine takes no part any more. */
  stop(): void {
    this.#options.budget.leave(this.#options.kv);
  }

  /** To be called a few times a second. */
  look(): void {
    this.#heap.look();
    const { eviction } = this.#options.kv;
    if (this.#limitsClients) this.limitClients();
    if (eviction.limitBytes > 0) this.#measure();
    if (this.processBytes > 0) this.#options.budget.garbage.look();
  }

  #measure(): void {
    const { eviction } = this.#options.kv;
    this.clientBytes = this.measureClients();
    this.processBytes = this.#measureProcess();
    eviction.besideBytes = this.clientBytes + this.processBytes;
  }

  measureClients(): number {
    let bytes = 0;
    for (const session of this.#options.clients.all()) bytes += clientMemory(session);
    return bytes;
  }

  /** Ends the clients that take most until all together are within the limit, but not those that asked to be spared. */
  limitClients(): void {
    const { clients, kv } = this.#options;
    const limit = clientLimit(kv);
    if (limit === 0) return;
    const sizes = [...clients.all()]
      .filter(({ isReplica, noEvict }) => !noEvict && !isReplica)
      .map((session) => ({ session, bytes: clientMemory(session) }));
    let total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total <= limit) return;
    sizes.sort((a, b) => b.bytes - a.bytes);
    for (const { bytes, session } of sizes) {
      if (total <= limit) return;
      this.#evict(session);
      total -= bytes;
    }
  }

  #evict(session: Session): void {
    const { evict, kv } = this.#options;
    kv.stats.evictedClients++;
    evict(session);
  }

  #measureProcess(): number {
    const { budget, kv } = this.#options;
    const { dataBytes, parts } = budget;
    const limitBytes = kv.eviction.limitBytes * parts;
    if (limitBytes <= freeOfChargeBytes) return 0;
    const charged = residentBytes() - dataBytes - limitBytes * toleratedShare;
    const chargedMax = (limitBytes - freeOfChargeBytes) * chargedShareMax;
    return Math.round(Math.max(0, Math.min(charged, chargedMax)) / parts);
  }
}

/** `maxmemory-clients` in bytes: it may be a share of `maxmemory`. */
function clientLimit({ config, eviction }: KV): number {
  const value = config.text('maxmemory-clients');
  if (!value.endsWith('%')) return Number(value);
  return Math.floor((eviction.limitBytes * Number(value.slice(0, -1))) / 100);
}
