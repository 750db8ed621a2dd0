/**
 * SIGKILL at random moments under load: what was acknowledged, or read by anybody, is there when the server comes back,
 * and no command, no script and no transaction is half applied. Every now and then the whole directory that a killed
 * server left is checked, too.
 */
import { type Findings, type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { checkDirectory } from '@holdfast/coord';
import { NodeDisk } from '@holdfast/log';
import { type GatewaySettings, pause, redisAddress, spawnGateway, temporaryDirectory } from '../server.js';
import { type Address, WireClient } from '../wire-client.js';
import { forms, readUntilGone, Tracked, writeUntilGone } from './crash-load.js';

const writerCount = 4;
const readerCount = 2;
/** After so many writes a new directory begins: a state that keeps growing makes every restart slower. */
const writesMax = 20_000;
const loadMsMax = 120;
const acknowledgedMsMax = 10_000;
const killsPerCheck = 25;

export interface CrashOptions {
  readonly settings: GatewaySettings;
  readonly kills: number;
  readonly seed: number;
  readonly onKill: (kills: number, writes: number) => void;
}

interface Life {
  readonly directory: { readonly path: string; remove(): Promise<void> };
  /** By writer. */
  readonly registers: readonly (readonly Tracked[])[];
}

async function newLife(): Promise<Life> {
  const registers = Array.from({ length: writerCount }, (_, writer) =>
    forms.flatMap((form) => [1, 2].map((i) => new Tracked(form, `${form.name}:${writer}:${i}`))),
  );
  return { directory: await temporaryDirectory(), registers };
}

async function verify(address: Address, registers: readonly Tracked[]): Promise<void> {
  const client = await WireClient.connect(address);
  const replies = client.pipeline(registers.map(({ form, key }) => form.read(key)));
  for (const [i, register] of registers.entries()) register.settle(await replies[i]);
  client.close();
}

/** Load from several connections until `kill` has ended the server. */
async function loadUntil(
  address: Address,
  { registers }: Life,
  random: Random,
  kill: () => Promise<void>,
): Promise<void> {
  const connect = (): Promise<WireClient> => WireClient.connect(address);
  const clients = await Promise.all(Array.from({ length: writerCount + readerCount }, connect));
  const all = registers.flat();
  const loads = clients.map((client, i) => {
    const own = new SeededRandom(random.uint32());
    return i < writerCount ? writeUntilGone(client, registers[i], own) : readUntilGone(client, all, own);
  });
  const settled = Promise.allSettled(loads);
  if (randomBelow(random, 4) === 0) {
    const saver = await WireClient.connect(address);
    saver.pipeline([['BGSAVE']]);
    clients.push(saver);
  }
  await untilAcknowledged(all);
  await pause(randomBelow(random, loadMsMax));
  await kill();
  for (const load of await settled) if (load.status === 'rejected') throw load.reason;
  for (const client of clients) client.close();
}

const writesKnown = (registers: readonly Tracked[]): number =>
  registers.reduce((sum, { known }) => sum + known, 0);

/** The load is on: something was acknowledged, however slow the machine is. */
async function untilAcknowledged(registers: readonly Tracked[]): Promise<void> {
  const before = writesKnown(registers);
  const untilMs = Date.now() + acknowledgedMsMax;
  while (writesKnown(registers) === before) {
    if (Date.now() > untilMs) throw new Error(`nothing was acknowledged in ${acknowledgedMsMax} ms`);
    await pause(1);
  }
}

/** Returns the number of writes that were acknowledged. Throws when anything is lost, half there, or not whole. */
export async function survive({ kills, onKill, seed, settings }: CrashOptions): Promise<number> {
  const random = new SeededRandom(seed);
  let life = await newLife();
  let writes = 0;
  let killed = 0;
  try {
    while (killed < kills) {
      const registers = life.registers.flat();
      const gateway = spawnGateway({ ...settings, dir: life.directory.path });
      try {
        if (randomBelow(random, 8) === 0) {
          // During the start, which recovers.
          await pause(randomBelow(random, 500));
        } else {
          const address = await redisAddress(gateway);
          await verify(address, registers);
          const before = writesKnown(registers);
          await loadUntil(address, life, random, () => gateway.kill());
          writes += writesKnown(registers) - before;
        }
      } finally {
        await gateway.kill();
      }
      killed++;
      if (killed % killsPerCheck === 0) await check(life.directory.path);
      onKill(killed, writes);
      if (registers.reduce((sum, { sent }) => sum + sent, 0) > writesMax) {
        await life.directory.remove();
        life = await newLife();
      }
    }
    const gateway = spawnGateway({ ...settings, dir: life.directory.path });
    await verify(await redisAddress(gateway), life.registers.flat());
    const code = await gateway.stop();
    if (code !== 0) throw new Error(`an orderly end with code ${code}`);
    await check(life.directory.path);
  } finally {
    await life.directory.remove();
  }
  return writes;
}

/** What a killed server left is whole. */
async function check(directory: string): Promise<void> {
  const damages: string[] = [];
  const findings: Findings = {
    damage: (place, what) => void damages.push(`${place}: ${what}`),
    note: () => {},
    passed: () => {},
  };
  await checkDirectory(new NodeDisk(), directory, findings);
  if (damages.length > 0) throw new Error(`a killed server left damage: ${damages.join('; ')}`);
}
