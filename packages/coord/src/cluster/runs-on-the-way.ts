/**
 * The runs that a channel has sent, by their ids, until each is over: answered as a whole, or given back to its lane.
 *
 *     answered | executed, perhaps      | came back
 *              | write   read read      |
 *              '- failed '- again       '- again
 */
// @hot-path
import { KvError } from '@holdfast/common';
import { undetermined } from './errors.js';
import type { Lane } from './lane.js';
import type { Run } from './run.js';

export class RunsOnTheWay {
  /** By their ids; ids that are free. */
  #runs: (Run | null)[] = [];
  #freeIds: number[] = [];

  get count(): number {
    return this.#runs.length - this.#freeIds.length;
  }

  /** Gives it an id. */
  add(run: Run): void {
    run.id = this.#freeIds.pop() ?? this.#runs.length;
    this.#runs[run.id] = run;
  }

  /** The run that a reply is of, which has so many requests that are not answered. Throws KvError CORRUPT. */
  find(id: number, count: number): Run {
    const run = this.#runs[id] ?? null;
    if (run === null || count > run.count - run.answered)
      throw new KvError('CORRUPT', 'the node answers what it was not asked');
    return run;
  }

  /** A run is answered as a whole. */
  over(run: Run): void {
    this.#free(run);
    run.release();
    run.lane.over(run);
  }

  /** What is left of a run was not executed. */
  cameBack(run: Run): void {
    this.#free(run);
    run.lane.recover(run);
    run.lane.over(run);
  }

  /**
   * The next `count` requests of a run were executed, perhaps: writes are answered with an error, reads are done
   * again. What is left of it afterwards; null when all of it is settled.
   */
  settleUnknown(whole: Run, count: number): Run | null {
    const { lane } = whole;
    lane.isDraining = true;
    let run = whole;
    for (let left = count; left > 0; ) {
      if (run.isWrite(run.answered)) {
        run.answered++;
        run.owner.failed(run, undetermined);
        left--;
        continue;
      }
      let reads = 1;
      while (reads < left && !run.isWrite(run.answered + reads)) reads++;
      left -= reads;
      if (run.answered + reads === run.count) {
        this.cameBack(run);
        return null;
      }
      const rest = run.splitAt(run.answered + reads);
      rest.id = run.id;
      this.#runs[run.id] = rest;
      run.id = -1;
      lane.replaced(run, rest);
      lane.recover(run);
      run = rest;
    }
    return run;
  }

  /** The stream broke: what was written and not answered may have been executed, what was not written was not. */
  loseAll(isUnsent: (run: Run) => boolean): void {
    for (const run of this.#inOrder()) {
      if (isUnsent(run)) {
        this.cameBack(run);
        continue;
      }
      const rest = this.settleUnknown(run, run.count - run.answered);
      if (rest !== null) this.over(rest);
    }
    this.#runs = [];
    this.#freeIds = [];
  }

  #free(run: Run): void {
    this.#runs[run.id] = null;
    this.#freeIds.push(run.id);
    run.id = -1;
  }

  #inOrder(): Run[] {
    const lanes = new Set<Lane>();
    for (const run of this.#runs) if (run !== null) lanes.add(run.lane);
    return [...lanes].flatMap((lane) => [...lane.onTheWay()]);
  }
}
