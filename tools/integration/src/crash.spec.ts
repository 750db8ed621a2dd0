/**
 * SIGKILL at random moments under load: what was acknowledged, or read by anybody, is there when the server
 * comes back, and no command and no transaction is half applied. HOLDFAST_CRASH_KILLS and HOLDFAST_SEED
 * set how long it searches and where.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { forms, readUntilGone, Tracked, writeUntilGone } from './crash-load.js';
import { type GatewaySettings, pause, redisAddress, spawnGateway, temporaryDirectory } from './server.js';
import { type Address, WireClient } from './wire-client.js';

const { HOLDFAST_SEED, HOLDFAST_CRASH_KILLS } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const kills = Number(HOLDFAST_CRASH_KILLS ?? 100);
const writerCount = 4;
const readerCount = 2;
/** After so many writes a new directory begins: a state that keeps growing makes every restart slower. */
const writesMax = 60_000;
const loadMsMax = 120;
const acknowledgedMsMax = 10_000;

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

async function survive(settings: GatewaySettings): Promise<number> {
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
      if (registers.reduce((sum, { sent }) => sum + sent, 0) > writesMax) {
        await life.directory.remove();
        life = await newLife();
      }
    }
    const gateway = spawnGateway({ ...settings, dir: life.directory.path });
    await verify(await redisAddress(gateway), life.registers.flat());
    expect(await gateway.stop()).toBe(0);
  } finally {
    await life.directory.remove();
  }
  return writes;
}

// At once: most of the time goes into starting processes, each on one core.
it.concurrent.each(['memory', 'level'])(
  `loses nothing in %s storage, killed ${kills} times (HOLDFAST_SEED=${seed})`,
  async (storage) => {
    const writes = await survive({ storage, log: 'file', fsync: 'always' });
    expect(writes).toBeGreaterThan(kills);
    console.log(`${storage}: ${kills} kills, ${writes} acknowledged writes`);
  },
  60_000 + kills * 10_000,
);
