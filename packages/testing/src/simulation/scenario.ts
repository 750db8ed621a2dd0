/**
 * A scenario, run for one seed or for many:
 *
 *     faults, while the workload runs | quiet: the cluster must become well again | check
 *
 * A failure says which seed, and shows its trace up to where something was wrong; the same seed shows the whole of it. Safety is checked
 * at the end (or by the scenario itself, at any time: what it throws in an event fails the run), liveness by
 * `isDone`, which must come true in the quiet phase.
 */
import { SeededRandom } from '@holdfast/common/testing';
import { traceTailLines } from '../limits.js';
import { LinearizabilityError } from '../linearizability/check.js';
import { type FaultProfile, randomFaultProfile } from './fault-profile.js';
import { Nemesis } from './nemesis.js';
import { Simulation } from './simulation.js';

export interface Scenario {
  readonly name: string;
  /** How long things go wrong, in virtual time. */
  readonly faultsMs: number;
  /** How long the cluster may take, after that, until `isDone`. */
  readonly quietMs: number;
  /** The faults of a seed; a random profile with one node down at a time unless given. */
  readonly profileOf?: (random: SeededRandom) => FaultProfile;
  /** Adds the nodes and starts the work. */
  readonly prepare: (simulation: Simulation) => ScenarioRun;
}

/** One run, as its scenario sees it. */
export interface ScenarioRun {
  /** Called when the faults are over. */
  readonly onQuiet?: () => void;
  /** Whether everything that must happen after the faults has happened. */
  readonly isDone: () => boolean;
  /** Throws when what happened must not have. */
  readonly check: () => void;
}

export interface RunReport {
  readonly seed: number;
  readonly eventCount: number;
  readonly virtualMs: number;
  /** The same for two runs that were the same. */
  readonly hash: string;
  /** Empty unless asked for. */
  readonly trace: readonly string[];
  /** Lines of the trace until something was wrong. */
  readonly traceUntilError: number;
  /** Null when the run was fine. */
  readonly error: Error | null;
}

/** A seed with which a scenario fails. The message has the reason and what happened before. */
export class SimulationFailure extends Error {
  readonly seed: number;
  /** All of it. */
  readonly trace: readonly string[];

  constructor(scenario: Scenario, report: RunReport) {
    const { seed, trace, error, virtualMs } = report;
    const until = report.traceUntilError;
    const tail = trace.slice(Math.max(0, until - traceTailLines), until);
    const [before, after] = [until - tail.length, trace.length - until];
    super(
      [
        `${scenario.name} fails with seed ${seed} after ${virtualMs.toFixed(0)} ms of virtual time: ${error?.message}`,
        '',
        ...(before === 0 ? [] : [`... ${before} lines before`]),
        ...tail,
        ...(after === 0 ? [] : [`... ${after} lines after`]),
      ].join('\n'),
      { cause: error },
    );
    this.name = 'SimulationFailure';
    this.seed = seed;
    this.trace = trace;
  }
}

/** Runs a scenario with one seed. Does not throw: what went wrong is in the report. */
export async function runSeed(
  scenario: Scenario,
  seed: number,
  options: { isTraced?: boolean } = {},
): Promise<RunReport> {
  // Drawn apart, so that a change of the scenario does not change the faults.
  const random = new SeededRandom(seed ^ 0x5eed);
  const profile = scenario.profileOf?.(random) ?? randomFaultProfile(random, 1);
  const simulation = new Simulation({ seed, profile, isTraced: options.isTraced ?? false });
  const error = await attempt(async () => {
    const run = scenario.prepare(simulation);
    const nemesis = new Nemesis(simulation);
    nemesis.start();
    await simulation.run(scenario.faultsMs);
    nemesis.stop();
    run.onQuiet?.();
    const isDone = await simulation.runUntil(run.isDone, scenario.quietMs);
    run.check();
    if (!isDone) throw new Error(`not done ${scenario.quietMs} ms after the last fault`);
  });
  const { eventCount, hash, nowMs, trace } = simulation;
  const traceUntilError = trace.countUntil(momentOf(error));
  return { seed, eventCount, virtualMs: nowMs, hash, trace: trace.lines, traceUntilError, error };
}

export interface ExploreOptions {
  readonly count: number;
  /** The seeds are this one and those after it; 1 unless given. */
  readonly first?: number;
}

/** The first seed with which the scenario fails, with its trace; null when there is none among `count`. */
export async function findFailure(
  scenario: Scenario,
  { count, first = 1 }: ExploreOptions,
): Promise<SimulationFailure | null> {
  for (let seed = first; seed < first + count; seed++) {
    const report = await runSeed(scenario, seed);
    if (report.error !== null) return failureOf(scenario, report);
  }
  return null;
}

/** Runs a scenario with many seeds. Throws SimulationFailure for the first that fails. */
export async function exploreSeeds(scenario: Scenario, options: ExploreOptions): Promise<void> {
  const failure = await findFailure(scenario, options);
  if (failure !== null) throw failure;
}

/** Throws unless two runs of a seed are the same, line by line: then something comes from outside the simulation. */
export async function assertDeterministic(scenario: Scenario, seed: number): Promise<void> {
  const one = await runSeed(scenario, seed, { isTraced: true });
  const other = await runSeed(scenario, seed, { isTraced: true });
  const at = one.trace.findIndex((line, i) => line !== other.trace[i]);
  if (at === -1 && one.trace.length === other.trace.length && one.hash === other.hash) return;
  const line = at === -1 ? one.trace.length : at;
  throw new Error(
    [
      `two runs of ${scenario.name} with seed ${seed} differ at line ${line} of their traces:`,
      ...one.trace.slice(Math.max(0, line - 5), line),
      `first:  ${one.trace[line] ?? '(ends)'}`,
      `second: ${other.trace[line] ?? '(ends)'}`,
    ].join('\n'),
  );
}

/** Runs the seed once more, with a trace. A run that is fine this time is not deterministic. */
async function failureOf(scenario: Scenario, report: RunReport): Promise<SimulationFailure> {
  const traced = await runSeed(scenario, report.seed, { isTraced: true });
  if (traced.error?.message === report.error?.message) return new SimulationFailure(scenario, traced);
  const error = new Error(
    `${report.error?.message}\n(and another time: ${traced.error?.message ?? 'nothing'}: the run is not deterministic)`,
  );
  return new SimulationFailure(scenario, { ...traced, error });
}

/** Virtual time at which something was wrong; an error that says nothing else was thrown at once. */
function momentOf(error: Error | null): number {
  if (!(error instanceof LinearizabilityError)) return Number.POSITIVE_INFINITY;
  return error.counterexample.stuck.completedNs / 1_000_000;
}

async function attempt(run: () => Promise<void>): Promise<Error | null> {
  try {
    await run();
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
