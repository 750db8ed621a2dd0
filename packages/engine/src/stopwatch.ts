/**
 * Decides which calls are timed, and what becomes of their times: the command's own figures, the slow log,
 * latency events.
 *
 * Reading the clock twice costs a tenth of a GET. So calls whose work may grow with the data are always
 * timed, quick ones (O(1), or the least that a fast command can be asked for) once in 64 calls, and all of
 * them only where somebody asks for times so short that any command may reach them:
 * `slowlog-log-slower-than` below 1 ms, or the latency monitor.
 */
// @hot-path
import type { Clock, Request } from '@holdfast/common';
import type { Command } from './command.js';
import type { CommandFigures } from './command-figures.js';
import type { Config } from './config.js';
import { LatencyEvents } from './latency-events.js';
import type { Session } from './session.js';
import { SlowLog } from './slow-log.js';

const sampledMask = 63;
const everyCallBelowUsec = 1000;

export class Stopwatch {
  readonly slowLog = new SlowLog();
  readonly latency = new LatencyEvents();
  readonly #clock: Clock;
  #timesAll = false;
  #slowUsec = Number.POSITIVE_INFINITY;
  #fillsHistograms = true;

  constructor(clock: Clock, config: Config) {
    this.#clock = clock;
    const follow = (): void => {
      const slowUsec = config.number('slowlog-log-slower-than');
      this.#slowUsec = slowUsec < 0 ? Number.POSITIVE_INFINITY : slowUsec;
      this.latency.thresholdMs = config.number('latency-monitor-threshold');
      this.#timesAll = this.#slowUsec < everyCallBelowUsec || this.latency.thresholdMs > 0;
    };
    config.onChange('slowlog-log-slower-than', follow);
    config.onChange('latency-monitor-threshold', follow);
    config.onChange('slowlog-max-len', () => {
      this.slowLog.lengthMax = config.number('slowlog-max-len');
    });
    config.onChange('latency-tracking', (value) => {
      this.#fillsHistograms = value === 'yes';
    });
  }

  /** When the call that begins now began, in ms; NaN when it is not to be timed. */
  start(command: Command, request: Request, { calls }: CommandFigures): number {
    const isTimed = this.#timesAll || request.count > command.quickCountMax || (calls & sampledMask) === 0;
    return isTimed ? this.#clock.monotonic() : Number.NaN;
  }

  /** The call that began at `startMs` is done. */
  stop(
    session: Session,
    command: Command,
    request: Request,
    startMs: number,
    { times }: CommandFigures,
  ): void {
    const ms = this.#clock.monotonic() - startMs;
    times.record(ms, this.#fillsHistograms);
    const usec = ms * 1000;
    if (usec >= this.#slowUsec && !command.flags.has('skip_slowlog')) {
      this.slowLog.note(session, command, request, usec, this.#clock.now());
    }
    if (this.latency.thresholdMs > 0) {
      this.latency.add(command.flags.has('fast') ? 'fast-command' : 'command', ms, this.#clock.now());
    }
  }
}
