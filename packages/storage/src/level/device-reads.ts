/** How much had to come from the device, and not from the system's cache, for what was read from files. */
import { readFileSync } from 'node:fs';

/**
 * Grows whenever the calling thread waited for the device. On Linux the system counts that for each thread; elsewhere it is
 * that of the whole process, of which other threads read files as well.
 */
export function deviceReadsOfThread(): number {
  try {
    return Number(/^read_bytes: (\d+)$/m.exec(readFileSync('/proc/thread-self/io', 'latin1'))?.[1]);
  } catch {
    const { majorPageFault, fsRead } = process.resourceUsage();
    return majorPageFault + fsRead;
  }
}
