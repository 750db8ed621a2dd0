/**
 * How often what goes wrong. Times are virtual milliseconds; what has a mean is distributed exponentially.
 * Random profiles follow the idea of swarm testing (Groce et al., ISSTA 2012) as TigerBeetle's VOPR does: each seed
 * leaves out some kinds of faults altogether and does others often, which finds more than a bit of everything.
 */
import type { Random } from '@holdfast/common';

export interface NetworkFaults {
  readonly delayMinMs: number;
  /** On top of the minimum. Messages overtake each other by differences of delay. */
  readonly delayMeanMs: number;
  /** Of messages that are lost one by one. */
  readonly lossRate: number;
  /** Of messages with which a burst begins, in which its link loses everything. */
  readonly burstRate: number;
  readonly burstMeanMs: number;
  /** Of messages, where the channel permits it, that arrive twice. */
  readonly duplicateRate: number;
  /** Of messages that take ten times as long. */
  readonly straggleRate: number;
  /** Of messages with which a clog begins: its link delivers nothing until it is over, then everything. */
  readonly clogRate: number;
  readonly clogMeanMs: number;
}

/** Something that begins now and then and lasts for a while. */
export interface FaultRhythm {
  /** Between an end and the next beginning. Infinity: never. */
  readonly everyMeanMs: number;
  readonly lastMeanMs: number;
}

export interface FaultProfile {
  readonly network: NetworkFaults;
  /** `oneWayRate` of the partitions block one direction only. */
  readonly partitions: FaultRhythm & { readonly oneWayRate: number };
  /** `powerRate` of the crashes take the machine down, not only the process. */
  readonly crashes: FaultRhythm & { readonly powerRate: number };
  readonly pauses: FaultRhythm;
  readonly clocks: {
    /** How wrong wall clocks are at first, either way. */
    readonly skewMaxMs: number;
    /** How wrong the rates of clocks are, either way. */
    readonly driftMaxPpm: number;
    readonly jumpEveryMeanMs: number;
    readonly jumpMaxMs: number;
  };
  /** Nodes that may be down or paused at the same time. */
  readonly downMax: number;
}

const never: FaultRhythm = { everyMeanMs: Number.POSITIVE_INFINITY, lastMeanMs: 0 };

/** A network with a little delay, and nothing else. */
export const noFaults: FaultProfile = {
  network: {
    delayMinMs: 0.1,
    delayMeanMs: 0.4,
    lossRate: 0,
    burstRate: 0,
    burstMeanMs: 0,
    duplicateRate: 0,
    straggleRate: 0,
    clogRate: 0,
    clogMeanMs: 0,
  },
  partitions: { ...never, oneWayRate: 0 },
  crashes: { ...never, powerRate: 0 },
  pauses: never,
  clocks: { skewMaxMs: 0, driftMaxPpm: 0, jumpEveryMeanMs: Number.POSITIVE_INFINITY, jumpMaxMs: 0 },
  downMax: 0,
};

/** A profile from a seed: each kind of fault is in two of three. `downMax` is the caller's. */
export function randomFaultProfile(random: Random, downMax: number): FaultProfile {
  const between = (low: number, high: number) => low + (random.uint32() / 0x100000000) * (high - low);
  const isChosen = () => between(0, 3) < 2;
  const rate = (highest: number) => (isChosen() ? between(0, highest) : 0);
  const rhythm = (everyLow: number, everyHigh: number, lastLow: number, lastHigh: number): FaultRhythm => {
    const isThere = isChosen();
    const everyMeanMs = between(everyLow, everyHigh);
    const lastMeanMs = between(lastLow, lastHigh);
    return isThere ? { everyMeanMs, lastMeanMs } : never;
  };
  return {
    network: {
      delayMinMs: between(0, 2),
      delayMeanMs: between(0.2, 10),
      lossRate: rate(0.05),
      burstRate: rate(0.002),
      burstMeanMs: between(10, 500),
      duplicateRate: rate(0.05),
      straggleRate: rate(0.05),
      clogRate: rate(0.005),
      clogMeanMs: between(10, 500),
    },
    partitions: { ...rhythm(1000, 10_000, 100, 4000), oneWayRate: rate(1) },
    crashes: { ...rhythm(2000, 15_000, 100, 4000), powerRate: rate(1) },
    pauses: rhythm(1000, 10_000, 10, 2000),
    clocks: {
      skewMaxMs: rate(1000),
      driftMaxPpm: rate(1000),
      jumpEveryMeanMs: isChosen() ? between(1000, 10_000) : Number.POSITIVE_INFINITY,
      jumpMaxMs: between(1, 5000),
    },
    downMax,
  };
}
