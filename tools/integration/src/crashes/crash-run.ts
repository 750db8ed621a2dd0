/**
 * Servers that end under load, at random moments, and start again: most by SIGKILL, some in order. What was acknowledged, or read by
 * anybody, is there when the server comes back, nothing that was removed is, versions go on, and no command, no script and no
 * transaction is half applied. Every now and then the whole directory that a server left is checked, too.
 *
 *     one life     start -- signal                                     1 of 8
 *                  start -- what is there? -- signal                   1 of 8
 *                  start -- what is there? -- load -- signal           the others
 *
 * What is there: all is read, or only what is not certain, so that other keys are on the disk alone when they are written again.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { pick } from '../random-pick.js';
import { type GatewaySettings, pause, redisAddress, type ServerProcess, spawnGateway } from '../server.js';
import { forms } from './forms.js';
import { checkWhole, isLong, type Life, loadUntil, newLife, settleAll, writesKnown } from './life.js';

const loadMsMax = 400;
const startMsMax = 500;
/** One end of so many is by SIGTERM. */
const endsPerStop = 4;
/** One directory of so many that a server left is checked. */
const endsPerCheck = 12;

export interface CrashOptions {
  /** What it does not say of `fsync`, and of the cache of level storage, is drawn for each life. */
  readonly settings: GatewaySettings;
  readonly kills: number;
  readonly seed: number;
  readonly onEnd: (report: CrashReport) => void;
}

export interface CrashReport {
  /** Ends by SIGKILL, and by SIGTERM. */
  kills: number;
  stops: number;
  /** Acknowledged. */
  writes: number;
}

/** Throws when anything is lost, half there, come back, or not whole, and says where the directory is. */
export async function survive(options: CrashOptions): Promise<CrashReport> {
  const run = new CrashRun(options);
  await run.all();
  return run.report;
}

class CrashRun {
  readonly report: CrashReport = { kills: 0, stops: 0, writes: 0 };
  readonly #options: CrashOptions;
  readonly #random: Random;

  constructor(options: CrashOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  async all(): Promise<void> {
    const { kills, onEnd } = this.#options;
    while (this.report.kills < kills) {
      const life = await newLife(forms);
      try {
        while (this.report.kills < kills && !isLong(life)) {
          await this.#runOnce(life);
          if (randomBelow(this.#random, endsPerCheck) === 0) await checkWhole(life.directory.path);
          onEnd(this.report);
        }
        await this.#endWhole(life);
      } catch (error) {
        const { kills: killed, stops } = this.report;
        throw new Error(
          `after ${killed} kills and ${stops} orderly ends, see ${life.directory.path}: ${(error as Error).message}`,
          { cause: error },
        );
      }
      await life.directory.remove();
    }
  }

  /** From one start to the end. */
  async #runOnce(life: Life): Promise<void> {
    const random = this.#random;
    const gateway = this.#start(life);
    const end = randomBelow(random, endsPerStop) === 0 ? this.#stop : this.#kill;
    const way = randomBelow(random, 8);
    try {
      if (way === 0) {
        // During the start, which recovers.
        await pause(randomBelow(random, startMsMax));
        await end(gateway, true);
        return;
      }
      const address = await redisAddress(gateway);
      const registers = life.registers.flat();
      await settleAll(address, registers, pick(['all', 'uncertain'], random));
      const before = writesKnown(registers);
      if (way === 1) await end(gateway);
      else await loadUntil(address, life, { loadMsMax, saves: 0, random, end: () => end(gateway) });
      this.report.writes += writesKnown(registers) - before;
    } finally {
      await gateway.kill();
    }
  }

  readonly #kill = async (gateway: ServerProcess): Promise<void> => {
    await gateway.kill();
    this.report.kills++;
  };

  /** One that is still starting may not know of the signal yet, which ends it as it ends any process. */
  readonly #stop = async (gateway: ServerProcess, isStarting = false): Promise<void> => {
    const code = await gateway.stop();
    if (code !== 0 && !(isStarting && code === null))
      throw new Error(`an orderly end with code ${code}: ${gateway.stderr}`);
    this.report.stops++;
  };

  /** All is there, and the directory is whole. */
  async #endWhole(life: Life): Promise<void> {
    const gateway = this.#start(life);
    try {
      await settleAll(await redisAddress(gateway), life.registers.flat());
      await this.#stop(gateway);
    } finally {
      await gateway.kill();
    }
    await checkWhole(life.directory.path);
  }

  #start({ directory }: Life): ServerProcess {
    const { settings } = this.#options;
    const { storage } = settings;
    const drawn = {
      fsync: pick(['always', 'everysec', 'no'], this.#random),
      // Where next to nothing may stay in memory, LevelDB is handed something all the time, and asked for everything.
      ...(storage === 'level' && { 'cache-bytes': pick(['0', '1', '2mb'], this.#random) }),
    };
    return spawnGateway({ ...drawn, ...settings, dir: directory.path });
  }
}
