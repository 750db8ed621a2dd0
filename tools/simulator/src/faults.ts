/**
 * What goes wrong in a run, and how often. As in TigerBeetle's VOPR (src/vopr.zig) up to 30 of 100 messages are lost
 * and half of them arrive twice, links clog, nodes crash and stand still, all at once; and each seed leaves some kinds
 * of faults out, so that what hides behind one of them is seen too (Groce et al., "Swarm Testing", ISSTA 2012).
 *
 * Times are virtual ms. Leases are as short as the faults are frequent, see `cluster.ts`: what takes hours elsewhere
 * happens here in a second.
 */
import type { Random } from '@holdfast/common';
import { type FaultProfile, type FaultRhythm, noFaults } from '@holdfast/testing/simulation';

/** What goes wrong beside the network and the nodes. */
export interface ServiceFaults {
  /** Of the log's answers that are lost on purpose: what was asked is done, is not done, or is done later. */
  readonly doubtRate: number;
  /** Of the appends that find no room. */
  readonly fullRate: number;
  /** Of the log: it answers nobody. */
  readonly outages: FaultRhythm;
  /** Of the frames of a snapshot from one node to another that are damaged. */
  readonly damageRate: number;
}

export const noServiceFaults: ServiceFaults = {
  doubtRate: 0,
  fullRate: 0,
  outages: { everyMeanMs: Number.POSITIVE_INFINITY, lastMeanMs: 0 },
  damageRate: 0,
};

const never: FaultRhythm = { everyMeanMs: Number.POSITIVE_INFINITY, lastMeanMs: 0 };

class Dice {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  between(low: number, high: number): number {
    return low + (this.#random.uint32() / 0x100000000) * (high - low);
  }

  /** In two of three seeds. */
  rate(highest: number): number {
    return this.between(0, 3) < 2 ? this.between(0, highest) : 0;
  }

  rhythm(everyLow: number, everyHigh: number, lastLow: number, lastHigh: number): FaultRhythm {
    const rhythm = {
      everyMeanMs: this.between(everyLow, everyHigh),
      lastMeanMs: this.between(lastLow, lastHigh),
    };
    return this.between(0, 3) < 2 ? rhythm : never;
  }
}

export function clusterFaults(random: Random): FaultProfile {
  const dice = new Dice(random);
  return {
    network: {
      delayMinMs: dice.between(0, 2),
      delayMeanMs: dice.between(0.2, 6),
      lossRate: dice.rate(0.3) * dice.between(0, 1),
      burstRate: dice.rate(0.005),
      burstMeanMs: dice.between(10, 300),
      duplicateRate: dice.rate(0.5),
      straggleRate: dice.rate(0.1),
      clogRate: dice.rate(0.01),
      clogMeanMs: dice.between(10, 300),
    },
    partitions: { ...dice.rhythm(200, 2000, 20, 800), oneWayRate: dice.rate(1) },
    crashes: { ...dice.rhythm(200, 2000, 20, 600), powerRate: dice.rate(1) },
    pauses: dice.rhythm(200, 2000, 10, 800),
    clocks: {
      skewMaxMs: dice.rate(1000),
      driftMaxPpm: dice.rate(1000),
      jumpEveryMeanMs: dice.rhythm(200, 2000, 0, 0).everyMeanMs,
      jumpMaxMs: dice.between(1, 5000),
    },
    downMax: 1 + Math.floor(dice.between(0, 3)),
  };
}

/** Nodes stand still for longer than their leases, and that alone: for what only shows then. */
export function standstills(): FaultProfile {
  return {
    ...noFaults,
    pauses: { everyMeanMs: 100, lastMeanMs: 400 },
    downMax: 1,
  };
}

/** Messages are late, or stuck until whoever sent them has given up, and that alone. */
export function latecomers(): FaultProfile {
  return {
    ...noFaults,
    network: { ...noFaults.network, delayMeanMs: 4, straggleRate: 0.2, clogRate: 0.02, clogMeanMs: 150 },
  };
}

export function serviceFaults(random: Random): ServiceFaults {
  const dice = new Dice(random);
  return {
    doubtRate: dice.rate(0.1),
    fullRate: dice.rate(0.05),
    outages: dice.rhythm(300, 3000, 20, 500),
    damageRate: dice.rate(0.1),
  };
}
