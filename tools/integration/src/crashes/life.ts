/** One directory, the registers that are kept in it, and the load that writes them until the server is ended. */
import { type Findings, type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { checkDirectory } from '@holdfast/coord';
import { NodeDisk } from '@holdfast/log';
import type { WireReply } from '@holdfast/protocol/testing';
import { pause, temporaryDirectory } from '../server.js';
import { type Address, WireClient } from '../wire-client.js';
import { readUntilGone, Tracked, writeUntilGone } from './crash-load.js';
import type { Form } from './forms.js';

const writerCount = 4;
const readerCount = 2;
/** After so many writes a new directory begins: a state that keeps growing makes every restart slower. */
const writesMax = 20_000;
const acknowledgedMsMax = 10_000;

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

/** Tells of the state of each register. */
export async function readAll(
  address: Address,
  registers: readonly Tracked[],
  visit: (register: Tracked, reply: WireReply) => void,
): Promise<void> {
  const client = await WireClient.connect(address);
  const replies = client.pipeline(registers.map(({ form, key }) => form.read(key)));
  for (const [i, register] of registers.entries()) visit(register, await replies[i]);
  client.close();
}

/** Judges the state of all, and goes on from it. */
export function settleAll(address: Address, registers: readonly Tracked[]): Promise<void> {
  return readAll(address, registers, (register, reply) => register.settle(reply));
}

export interface LoadOptions {
  /** How long it lasts once something was acknowledged and the saves are done, in ms, at most. */
  readonly loadMsMax: number;
  /** How often everything is brought to the disk; 0 for a BGSAVE now and then. */
  readonly saves: number;
  readonly random: Random;
  kill(): Promise<void>;
}

/** Load from several connections until `kill` has ended the server. */
export async function loadUntil(
  address: Address,
  { registers }: Life,
  { kill, loadMsMax, random, saves }: LoadOptions,
): Promise<void> {
  const connect = (): Promise<WireClient> => WireClient.connect(address);
  const clients = await Promise.all(Array.from({ length: writerCount + readerCount }, connect));
  const all = registers.flat();
  const loads = clients.map((client, i) => {
    const own = new SeededRandom(random.uint32());
    return i < writerCount ? writeUntilGone(client, registers[i], own) : readUntilGone(client, all, own);
  });
  const settled = Promise.allSettled(loads);
  const saver = await connect();
  clients.push(saver);
  if (saves === 0 && randomBelow(random, 4) === 0) saver.pipeline([['BGSAVE']]);
  await untilAcknowledged(all);
  for (let i = 0; i < saves; i++) await saver.call('SAVE');
  if (saves > 0) saver.pipeline([['SAVE']]);
  await pause(randomBelow(random, loadMsMax));
  await kill();
  for (const load of await settled) if (load.status === 'rejected') throw load.reason;
  for (const client of clients) client.close();
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

/** Throws when anything in the directory is not whole. */
export async function checkWhole(directory: string): Promise<void> {
  const damages: string[] = [];
  const findings: Findings = {
    damage: (place, what) => void damages.push(`${place}: ${what}`),
    note: () => {},
    passed: () => {},
  };
  await checkDirectory(new NodeDisk(), directory, findings);
  if (damages.length > 0) throw new Error(`damage was left behind: ${damages.join('; ')}`);
}
