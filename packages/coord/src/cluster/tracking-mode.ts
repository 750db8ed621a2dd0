/** What a node does for a client who tracks keys, as the runs of its session say it: `Run.tracking` on the wire. */
// @hot-path
import type { ClientTracking, TrackingOptions } from '@holdfast/engine';

/** Bits: it tracks; what the run reads counts; its own changes do not; all keys with a prefix, whatever it reads. */
export const trackingBits = { on: 1, reads: 2, noLoop: 4, broadcast: 8 } as const;

/**
 * For the next command of a client, to the leader or, with `isStale`, to any replica; 0 for one that tracks nothing. A replica may
 * learn of a change after the leader has told of it, and what it answers until then is to be told of again: so it remembers
 * that, whatever the prefixes, and does not know whose change it is.
 */
export function trackingModeOf(tracking: ClientTracking | null, isStale: boolean): number {
  if (tracking === null) return 0;
  if (tracking.isBroadcast) return trackingBits.on | (isStale ? trackingBits.reads : trackingBits.broadcast);
  let mode: number = trackingBits.on;
  if (tracking.remembersReads) mode |= trackingBits.reads;
  if (tracking.noLoop) mode |= trackingBits.noLoop;
  return mode;
}

/** What the session at the node has asked for then; not with `broadcast`. */
export function trackingOptionsOf(mode: number): TrackingOptions {
  return {
    isBroadcast: false,
    prefixes: [],
    // Nobody says CLIENT CACHING there: with this nothing counts that it reads, and what it has read goes on counting.
    isOptIn: (mode & trackingBits.reads) === 0,
    isOptOut: false,
    noLoop: (mode & trackingBits.noLoop) !== 0,
    redirect: 0,
  };
}
