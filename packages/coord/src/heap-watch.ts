/**
 * Keeps clients from filling the JavaScript heap, at whose limit the runtime ends the process.
 *
 * Values and buffers lie outside of it. What a client has queued, watches and listens to lies in it, as often as it likes:
 * `client-query-buffer-limit` is for each connection. So where the heap comes near its limit, the client that keeps most
 * there is ended, as by `maxmemory-clients`, and the next one if that was not enough.
 */
import { type Session, stateBytes } from '@holdfast/engine';
import { collectGarbage, type HeapFigures, heapFigures } from './process-figures.js';

/** Beyond this share of the limit somebody is ended: the rest is filled within a second by who tries. */
const shareMax = 0.6;
/** Who keeps less is not what fills it. */
const leastBytes = 16 * 1024 * 1024;

export interface HeapWatchOptions {
  readonly sessions: () => Iterable<Session>;
  /** Ends a session that keeps too much. */
  readonly evict: (session: Session) => void;
  readonly measure?: () => HeapFigures;
  readonly collect?: () => void;
}

export class HeapWatch {
  readonly #options: HeapWatchOptions;
  readonly #measure: () => HeapFigures;
  readonly #collect: () => void;

  constructor(options: HeapWatchOptions) {
    this.#options = options;
    this.#measure = options.measure ?? heapFigures;
    this.#collect = options.collect ?? collectGarbage;
  }

  /** To be called a few times a second. */
  look(): void {
    for (;;) {
      const { limitBytes, usedBytes } = this.#measure();
      if (usedBytes < limitBytes * shareMax) return;
      const session = this.#largest();
      if (session === null) return;
      this.#options.evict(session);
      // What is left is known only then; V8 would come to it soon anyway.
      this.#collect();
    }
  }

  #largest(): Session | null {
    let largest: Session | null = null;
    let most = leastBytes;
    for (const session of this.#options.sessions()) {
      const bytes = stateBytes(session);
      if (bytes < most) continue;
      largest = session;
      most = bytes;
    }
    return largest;
  }
}
