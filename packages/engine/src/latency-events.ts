/**
 * Spikes of latency by event (LATENCY): the worst of each second, the last 160 of them. Events are
 * recorded when they took at least `thresholdMs`; 0 records none.
 */
const samplesMax = 160;

export interface LatencySample {
  /** Seconds since 1970. */
  readonly seconds: number;
  ms: number;
}

export interface LatencyEvent {
  /** Oldest first. */
  readonly samples: LatencySample[];
  /** The worst since the last reset. */
  worstMs: number;
}

export class LatencyEvents {
  thresholdMs = 0;
  readonly #events = new Map<string, LatencyEvent>();

  add(name: string, ms: number, nowMs: number): void {
    if (this.thresholdMs === 0 || ms < this.thresholdMs) return;
    let event = this.#events.get(name);
    if (event === undefined) this.#events.set(name, (event = { samples: [], worstMs: 0 }));
    const wholeMs = Math.floor(ms);
    const seconds = Math.floor(nowMs / 1000);
    event.worstMs = Math.max(event.worstMs, wholeMs);
    const last = event.samples.at(-1);
    if (last?.seconds === seconds) {
      last.ms = Math.max(last.ms, wholeMs);
      return;
    }
    event.samples.push({ seconds, ms: wholeMs });
    if (event.samples.length > samplesMax) event.samples.shift();
  }

  get(name: string): LatencyEvent | undefined {
    return this.#events.get(name);
  }

  /** All events, by name. */
  all(): Iterable<[string, LatencyEvent]> {
    return this.#events;
  }

  /** Forgets an event; whether there was one of that name. */
  remove(name: string): boolean {
    return this.#events.delete(name);
  }

  clear(): number {
    const count = this.#events.size;
    this.#events.clear();
    return count;
  }
}
