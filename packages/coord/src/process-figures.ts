/** What the operating system says of this process. */
import { release, totalmem, type } from 'node:os';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Env } from '@holdfast/common';
import type { ProcessFigures } from '@holdfast/engine';

const system = `${type()} ${release()} ${process.arch}`;
const totalBytes = totalmem();

/** Read when asked for: INFO needs some in several of its sections, and the system takes up to 0.1 ms for all. */
export const processFigures: ProcessFigures = {
  id: process.pid,
  executable: process.execPath,
  system,
  totalBytes,
  get residentBytes() {
    return residentBytes();
  },
  get heapUsedBytes() {
    return heapBytes();
  },
  get heapTotalBytes() {
    return getHeapStatistics().total_heap_size;
  },
  get userSeconds() {
    return process.cpuUsage().user / 1e6;
  },
  get systemSeconds() {
    return process.cpuUsage().system / 1e6;
  },
};

/** Memory of this process that is really there. */
export function residentBytes(): number {
  return process.memoryUsage.rss();
}

/** Of the JavaScript heap, what is in use or garbage that was not collected yet. */
export function heapBytes(): number {
  return getHeapStatistics().used_heap_size;
}

export interface HeapFigures {
  /** As `heapBytes`. */
  readonly usedBytes: number;
  /** Beyond it the runtime ends the process. */
  readonly limitBytes: number;
}

export function heapFigures(): HeapFigures {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return { usedBytes: used_heap_size, limitBytes: heap_size_limit };
}

let collector: (() => void) | null = null;

/** Collects all garbage at once: some 50 ms for a hundred thousand small collections. */
export function collectGarbage(): void {
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  collector();
}

/** 40 hex digits that are never the same again. */
export function randomId({ random }: Env): string {
  return Buffer.from(random.fill(new Uint8Array(20))).toString('hex');
}
