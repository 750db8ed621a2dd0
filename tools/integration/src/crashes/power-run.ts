/**
 * Power cuts under load. The server runs under strace, which writes down what it does to its files, LevelDB's among them, and
 * is killed; what a power cut would have left of its directory is rebuilt from the record (`Recording`), for some moments
 * of it. Each such directory must be whole, and the server that is started on it must have what was acknowledged by then:
 * with `everysec`, what was acknowledged before the last sync that covered all of the log began. No command, script or
 * transaction is half applied. The last directory of each run is what the next one goes on with.
 *
 * Moments are chosen where it matters: many at a name or a sync of a file that is none of our log's, the others anywhere,
 * and the end. They may lie within the start, which recovers.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { type GatewaySettings, pause, redisAddress, spawnGateway, temporaryDirectory } from '../server.js';
import type { Tracked } from './crash-load.js';
import { heavyForms } from './forms.js';
import {
  checkWhole,
  isLong,
  type Life,
  loadUntil,
  newLife,
  readAll,
  settleAll,
  writesKnown,
} from './life.js';
import { type Cut, Recording, readTree } from './recording.js';
import { parseCalls, straceOf } from './system-calls.js';

const loadMsMax = 300;
const savesMax = 12;
/** The rebuilt directories of one run, at most: each costs a start, and no load. */
const cutsPerRun = 8;
/** With `everysec` one run has as many as twenty with `always`, and LevelDB is to have some runs to work on. */
const writesMax = 100_000;
const recordMsMax = 20_000;
const never: Cut = { line: Number.POSITIVE_INFINITY, timeMs: Number.POSITIVE_INFINITY };

export interface PowerOptions {
  readonly settings: GatewaySettings;
  readonly cuts: number;
  readonly seed: number;
  readonly onCut: (report: PowerReport) => void;
}

export interface PowerReport {
  cuts: number;
  /** Acknowledged, in all runs. */
  writes: number;
  /** Files that LevelDB began: its tables, and its logs. */
  tables: number;
  logs: number;
}

/** Throws when anything is lost, half there, or not whole, and says where the directory is. */
export async function survivePowerCuts(options: PowerOptions): Promise<PowerReport> {
  const run = new PowerRun(options);
  try {
    await run.all();
  } finally {
    await run.end();
  }
  return run.report;
}

class PowerRun {
  readonly report: PowerReport = { cuts: 0, writes: 0, tables: 0, logs: 0 };
  readonly #options: PowerOptions;
  readonly #random: Random;
  #life: Life | null = null;

  constructor(options: PowerOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  async all(): Promise<void> {
    while (this.report.cuts < this.#options.cuts) {
      if (this.#life === null || isLong(this.#life, writesMax)) {
        await this.end();
        this.#life = await newLife(heavyForms);
      }
      await this.#cutSome(this.#life, await this.#record(this.#life));
    }
    const life = this.#life!;
    const gateway = this.#start(life.directory.path);
    await settleAll(await redisAddress(gateway), life.registers.flat());
    const code = await gateway.stop();
    if (code !== 0) throw new Error(`an orderly end with code ${code}`);
    await checkWhole(life.directory.path);
  }

  async end(): Promise<void> {
    await this.#life?.directory.remove();
    this.#life = null;
  }

  #start(directory: string, tracer: readonly string[] = []): ReturnType<typeof spawnGateway> {
    const { settings } = this.#options;
    const { storage } = settings;
    // Which hands LevelDB something all the time.
    const cache = storage === 'level' && { 'cache-bytes': String(randomBelow(this.#random, 2)) };
    return spawnGateway({ ...cache, ...settings, dir: directory }, tracer);
  }

  /** One run of the server, and what it did. */
  async #record(life: Life): Promise<Recording> {
    const random = this.#random;
    const directory = life.directory.path;
    const before = await readTree(directory);
    const scratch = await temporaryDirectory();
    const record = join(scratch.path, 'calls');
    const registers = life.registers.flat();
    const gateway = this.#start(directory, straceOf(record));
    try {
      if (randomBelow(random, 8) === 0) {
        await pause(200 + randomBelow(random, 1000));
      } else {
        const address = await redisAddress(gateway);
        await settleAll(address, registers);
        const known = writesKnown(registers);
        const saves = 1 + randomBelow(random, savesMax);
        await loadUntil(address, life, { loadMsMax, saves, random, end: () => gateway.kill() });
        this.report.writes += writesKnown(registers) - known;
      }
      await gateway.kill();
      const recording = new Recording(parseCalls(await wholeRecord(record, gateway.pid)), directory, before);
      this.#count(recording);
      return recording;
    } finally {
      await gateway.kill();
      await scratch.remove();
    }
  }

  #count({ steps }: Recording): void {
    for (const { kind, path } of steps) {
      if (kind === 'open' && path.endsWith('.ldb')) this.report.tables++;
      if (kind === 'open' && path.endsWith('.log')) this.report.logs++;
    }
  }

  async #cutSome(life: Life, recording: Recording): Promise<void> {
    const { fsync } = this.#options.settings;
    const registers = life.registers.flat();
    const count = Math.min(cutsPerRun, this.#options.cuts - this.report.cuts);
    for (let i = 1; i <= count; i++) {
      // What the load left is what the next run begins with, as often as not.
      const isKept = i === count && randomBelow(this.#random, 2) === 0;
      const cut = isKept ? never : this.#choose(recording, life.directory.path);
      const seed = this.#random.uint32();
      const left = await temporaryDirectory();
      const syncedMs = await recording.leave(cut, seed, left.path, 'log');
      const knownMs = fsync === 'always' ? cut.timeMs : syncedMs;
      try {
        await this.#judge(left.path, registers, knownMs);
      } catch (error) {
        const kept = await mkdtemp(join(tmpdir(), 'holdfast-power-cut-'));
        await recording.leave(cut, seed, kept, 'log');
        await left.remove();
        throw new Error(
          `power cut before ${recording.describe(cut)}, see ${kept}: ${(error as Error).message}`,
          { cause: error },
        );
      }
      this.report.cuts++;
      this.#options.onCut(this.report);
      if (i < count) {
        await left.remove();
        continue;
      }
      await rm(life.directory.path, { recursive: true });
      life.directory = left;
      for (const register of registers) register.forgetAfter(knownMs);
    }
  }

  async #judge(directory: string, registers: readonly Tracked[], knownMs: number): Promise<void> {
    // Which opens LevelDB as a start does: so not always before one.
    if ((await hasData(directory)) && randomBelow(this.#random, 3) === 0) await checkWhole(directory);
    const gateway = this.#start(directory);
    try {
      await readAll(await redisAddress(gateway), registers, (register, reply) =>
        register.stateOf(reply, register.knownAt(knownMs)),
      );
    } finally {
      await gateway.kill();
    }
    await checkWhole(directory);
  }

  #choose(recording: Recording, directory: string): Cut {
    const random = this.#random;
    const way = randomBelow(random, 5);
    const isElsewhere = (path: string): boolean => !path.startsWith(`${directory}/log`);
    const places =
      way === 0
        ? []
        : recording.steps.filter(({ kind, path }) => way === 1 || (kind !== 'write' && isElsewhere(path)));
    if (places.length === 0) return never;
    return recording.cutAt(places[randomBelow(random, places.length)].begin + randomBelow(random, 4));
  }
}

/** Whether the cut left anything that `kvctl check` takes for a directory of ours. */
async function hasData(directory: string): Promise<boolean> {
  return (await readTree(directory)).has(join(directory, 'format'));
}

/** What strace wrote by the end of the process: it says so in its last line. */
async function wholeRecord(path: string, pid: number): Promise<Buffer> {
  const untilMs = Date.now() + recordMsMax;
  for (;;) {
    const record = await readFile(path).catch(() => Buffer.alloc(0));
    const end = record.toString('latin1', Math.max(0, record.length - 200));
    if (new RegExp(`^${pid} .*\\+\\+\\+ (killed|exited) .*\\n$`, 'm').test(end)) return record;
    if (Date.now() > untilMs) throw new Error('strace did not write its record to the end');
    await pause(20);
  }
}
