/**
 * Calls of LevelDB that fail, under load: strace lets writes, syncs, names or new files of its directory fail with EIO or
 * ENOSPC for a while. The server may refuse writes meanwhile, and says why; it goes on by itself, has everything that it
 * acknowledged and nothing that it refused, and so has a new start after SIGKILL.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { type GatewaySettings, pause, redisAddress, spawnGateway } from '../server.js';
import { type Address, WireClient } from '../wire-client.js';
import { writeWhileRefused } from './crash-load.js';
import { heavyForms } from './forms.js';
import { checkWhole, isLong, type Life, newLife, settleAll, writesKnown } from './life.js';

const loadMs = 1500;
const saveMs = 30;
const recoveryMsMax = 60_000;
/** Files that LevelDB may begin in one run, at most. */
const newFilesMax = 250;
const faultyCalls = ['write', 'fdatasync', 'openat', 'rename'];

export interface DiskFaultOptions {
  readonly settings: GatewaySettings;
  readonly runs: number;
  readonly seed: number;
  readonly onRun: (report: DiskFaultReport) => void;
}

export interface DiskFaultReport {
  runs: number;
  /** Runs in which writes were refused, and those in which the server did not start. */
  refusals: number;
  endings: number;
  /** Acknowledged. */
  writes: number;
}

/** Throws when anything is lost, half there or not whole, or when the server does not recover. */
export async function surviveDiskFaults(options: DiskFaultOptions): Promise<DiskFaultReport> {
  const { onRun, runs, seed, settings } = options;
  const random = new SeededRandom(seed);
  const report: DiskFaultReport = { runs: 0, refusals: 0, endings: 0, writes: 0 };
  let life = await newLife(heavyForms);
  try {
    while (report.runs < runs) {
      await runOnce(life, settings, random, report);
      report.runs++;
      onRun(report);
      if (!isLong(life)) continue;
      await life.directory.remove();
      life = await newLife(heavyForms);
    }
  } finally {
    await life.directory.remove();
  }
  return report;
}

async function runOnce(
  life: Life,
  settings: GatewaySettings,
  random: Random,
  report: DiskFaultReport,
): Promise<void> {
  const registers = life.registers.flat();
  const all = { 'cache-bytes': String(randomBelow(random, 2)), ...settings, dir: life.directory.path };
  const fault = faultOf(random);
  const gateway = spawnGateway(all, [...fault, ...(await pathsOf(join(all.dir, 'level')))]);
  try {
    // Where calls of the start fail, it may end.
    const address = await redisAddress(gateway).catch(() => null);
    if (address === null) report.endings++;
    else {
      await settleAll(address, registers);
      const known = writesKnown(registers);
      if (await loadUntilRecovered(address, life, random)) report.refusals++;
      report.writes += writesKnown(registers) - known;
      await settleAll(address, registers);
    }
    await gateway.kill();
    const next = spawnGateway({ ...settings, dir: all.dir });
    try {
      await settleAll(await redisAddress(next), registers);
    } finally {
      await next.kill();
    }
    await checkWhole(all.dir);
  } catch (error) {
    throw new Error(`${fault.at(-1)}: ${(error as Error).message}`, { cause: error });
  } finally {
    await gateway.kill();
  }
}

/** The command line of strace, but for the paths. Each thread of the server counts its calls by itself. */
function faultOf(random: Random): string[] {
  const call = faultyCalls[randomBelow(random, faultyCalls.length)];
  const error = randomBelow(random, 2) === 0 ? 'EIO' : 'ENOSPC';
  // Rather not the first ones, which are those of the start.
  const first = 5 + randomBelow(random, call === 'write' ? 100 : 15);
  const last = first + randomBelow(random, 3);
  const settings = ['-D', '-f', '--seccomp-bpf', '-E', 'UV_USE_IO_URING=0', '-o', '/dev/null'];
  return [
    'strace',
    ...settings,
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:error=${error}:when=${first}..${last}`,
  ];
}

/** The files that are there, and those that are begun next: strace takes paths, and no folders. */
async function pathsOf(directory: string): Promise<string[]> {
  const names: string[] = await readdir(directory).catch(() => []);
  const numbers = names.map((name) => Number(/\d+/.exec(name)?.[0] ?? 0));
  const next = Math.max(0, ...numbers) + 1;
  for (let i = next; i < next + newFilesMax; i++) {
    const digits = String(i).padStart(6, '0');
    names.push(`${digits}.log`, `${digits}.ldb`, `${digits}.dbtmp`, `MANIFEST-${digits}`);
  }
  return names.flatMap((name) => ['-P', join(directory, name)]);
}

/** Whether writes were refused meanwhile. */
async function loadUntilRecovered(address: Address, { registers }: Life, random: Random): Promise<boolean> {
  const clients = await Promise.all(registers.map(() => WireClient.connect(address)));
  const saver = await WireClient.connect(address);
  let isOver = false;
  const loads = clients.map((client, i) =>
    writeWhileRefused(client, registers[i], new SeededRandom(random.uint32()), () => isOver),
  );
  // A load that fails is seen below.
  const settled = Promise.allSettled(loads);
  const endMs = Date.now() + loadMs;
  while (Date.now() < endMs) {
    await saver.call('BGSAVE');
    await pause(saveMs);
  }
  const lastMs = Date.now() + recoveryMsMax;
  while ((await saver.call('SAVE')).type === '-') {
    if (Date.now() > lastMs) throw new Error(`no recovery within ${recoveryMsMax} ms`);
    await pause(200);
  }
  isOver = true;
  let refusals = 0;
  for (const load of await settled) {
    if (load.status === 'rejected') throw load.reason;
    refusals += load.value;
  }
  for (const client of [...clients, saver]) client.close();
  return refusals > 0;
}
