/** What the operating system says of this process. */
import { release, totalmem, type } from 'node:os';
import type { Env } from '@holdfast/common';
import type { ProcessFigures } from '@holdfast/engine';

export function processFigures(): ProcessFigures {
  const { rss, heapUsed, heapTotal } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    id: process.pid,
    executable: process.execPath,
    system: `${type()} ${release()} ${process.arch}`,
    residentBytes: rss,
    heapUsedBytes: heapUsed,
    heapTotalBytes: heapTotal,
    totalBytes: totalmem(),
    userSeconds: user / 1e6,
    systemSeconds: system / 1e6,
  };
}

/** Memory of this process that is really there. */
export function residentBytes(): number {
  return process.memoryUsage.rss();
}

/** 40 hex digits that are never the same again. */
export function randomId({ random }: Env): string {
  return Buffer.from(random.fill(new Uint8Array(20))).toString('hex');
}
