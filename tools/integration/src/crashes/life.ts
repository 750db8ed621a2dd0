/** One directory, the registers that are kept in it, and the load that writes them until the server is ended. */
import { type Findings, type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { checkDirectory } from '@holdfast/coord';
import { NodeDisk } from '@holdfast/log';
import type { WireReply } from '@holdfast/protocol/testing';
import { pause, temporaryDirectory } from '../server.js';
import { type Address, WireClient } from '../wire-client.js';
import { readUntilGone, Tracked, writeUntilGone } from './crash-load.js';
import type { Form } from './form.js';

const writerCount = 4;
const readerCount = 2;
/** In one life of the server a writer writes one register of so many. */
const writtenShare = 4;
/** After so many writes a new directory begins: a state that keeps growing makes every restart slower. */
const writesMax = 20_000;
const acknowledgedMsMax = 10_000;
const expiredMsMax = 10_000;

export interface Life {
  directory: { readonly path: string; remove(): Promise<void> };
  /** By writer. */
  readonly registers: readonly (readonly Tracked[])[];
}

export async function newLife(forms: readonly Form[]): Promise<Life> {
  const registers = Array.from({ length: writerCount }, (_, writer) =>
    forms.flatMap((form) => [1, 2].map((i) => new Tracked(form, `${form.name}:${writer}:${i}`))),
  );
  return { directory: await temporaryDirectory(), registers };
}

export function isLong({ registers }: Life, most = writesMax): boolean {
  return registers.flat().reduce((sum, { sent }) => sum + sent, 0) > most;
}

/**
 * Has `judge` tell the state of each register that is not certain, or of all of them. The server must have all keys that these
 * states have, and no others: what was removed has not come back.
 */
export async function readAll(
  address: Address,
  registers: readonly Tracked[],
  judge: (register: Tracked, reply: WireReply) => number,
  which: 'all' | 'uncertain' = 'all',
): Promise<void> {
  const client = await WireClient.connect(address);
  const read = registers.filter(({ isCertain }) => which === 'all' || !isCertain);
  const replies = client.pipeline(read.map(({ form, key }) => form.read(key)));
  const states = new Map(registers.map((register) => [register, register.known]));
  for (const [i, register] of read.entries()) states.set(register, judge(register, await replies[i]));
  const names = [...states].flatMap(([register, state]) => register.namesAt(state));
  await untilNames(client, new Set(names));
  client.close();
}

/** Judges the state of all, and goes on from it. */
export function settleAll(
  address: Address,
  registers: readonly Tracked[],
  which?: 'all' | 'uncertain',
): Promise<void> {
  return readAll(address, registers, (register, reply) => register.settle(reply), which);
}

/** Resolves when the server has these keys, and no others: those that expired are counted until they are removed. */
async function untilNames(client: WireClient, names: ReadonlySet<string>): Promise<void> {
  const untilMs = Date.now() + expiredMsMax;
  for (;;) {
    const [listed, { text: size }] = await Promise.all(client.pipeline([['KEYS', '*'], ['DBSIZE']]));
    const keys = listed.items!.map(({ text }) => text!);
    const found = new Set(keys);
    const missing = [...names].filter((name) => !found.has(name));
    const surplus = keys.filter((key) => !names.has(key));
    if (missing.length === 0 && surplus.length === 0 && Number(size) === names.size) return;
    if (Date.now() > untilMs)
      throw new Error(
        `${size} keys instead of ${names.size}: came back ${surplus.join(' ')}, are missing ${missing.join(' ')}`,
      );
    await pause(10);
  }
}

export interface LoadOptions {
  /** How long it lasts once something was acknowledged and the saves are done, in ms, at most. */
  readonly loadMsMax: number;
  /** How often everything is brought to the disk; 0 for a BGSAVE now and then. */
  readonly saves: number;
  readonly random: Random;
  /** By a signal: resolves when it has ended. */
  end(): Promise<void>;
}

/** Load from several connections until `end` has ended the server. */
export async function loadUntil(
  address: Address,
  { registers }: Life,
  { end, loadMsMax, random, saves }: LoadOptions,
): Promise<void> {
  const connect = (): Promise<WireClient> => WireClient.connect(address);
  const clients = await Promise.all(Array.from({ length: writerCount + readerCount }, connect));
  const all = registers.flat();
  const loads = clients.map((client, i) => {
    const own = new SeededRandom(random.uint32());
    return i < writerCount
      ? writeUntilGone(client, someOf(registers[i], random), own)
      : readUntilGone(client, all, own);
  });
  const settled = Promise.allSettled(loads);
  const saver = await connect();
  clients.push(saver);
  if (saves === 0 && randomBelow(random, 4) === 0) saver.pipeline([['BGSAVE']]);
  await untilAcknowledged(all);
  for (let i = 0; i < saves; i++) await saver.call('SAVE');
  if (saves > 0) saver.pipeline([['SAVE']]);
  await pause(randomBelow(random, loadMsMax));
  await end();
  for (const load of await settled) if (load.status === 'rejected') throw load.reason;
  for (const client of clients) client.close();
}

/** A few, so that each is written often, and the others lie where they are. */
function someOf(registers: readonly Tracked[], random: Random): readonly Tracked[] {
  const some = registers.filter(() => randomBelow(random, writtenShare) === 0);
  return some.length === 0 ? registers : some;
}

export function writesKnown(registers: readonly Tracked[]): number {
  return registers.reduce((sum, { known }) => sum + known, 0);
}

/** The load is on: something was acknowledged, however slow the machine is. */
async function untilAcknowledged(registers: readonly Tracked[]): Promise<void> {
  const before = writesKnown(registers);
  const untilMs = Date.now() + acknowledgedMsMax;
  while (writesKnown(registers) === before) {
    if (Date.now() > untilMs) throw new Error(`nothing was acknowledged in ${acknowledgedMsMax} ms`);
    await pause(1);
  }
}

/** Throws when anything in the directory is not whole. A server that was killed at once has left nothing in it. */
export async function checkWhole(directory: string): Promise<void> {
  const disk = new NodeDisk();
  if ((await disk.list(directory)).length === 0) return;
  const damages: string[] = [];
  const findings: Findings = {
    damage: (place, what) => void damages.push(`${place}: ${what}`),
    note: () => {},
    passed: () => {},
  };
  await checkDirectory(disk, directory, findings);
  if (damages.length > 0) throw new Error(`damage was left behind: ${damages.join('; ')}`);
}
