/**
 * Random stream commands to redis-server and to the gateway, compared reply by reply. HOLDFAST_SEED and
 * HOLDFAST_FUZZ_SECONDS say where it searches and for how long.
 *
 * Redis 7.2 differs from 7.0 in a few things, which are kept out of the way: consumers are there before they ask, times
 * are not compared, and a round ends with an error that 7.0 does not know.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { renderReply } from '@holdfast/protocol/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomStreamRequest } from './random-stream-commands.js';
import { type RunningServer, startGateway, startRedis } from './server.js';
import { WireClient } from './wire-client.js';

const { CI, HOLDFAST_SEED, HOLDFAST_FUZZ_SECONDS } = process.env;
const seed = Number(HOLDFAST_SEED ?? (CI === undefined ? Math.floor(Math.random() * 2 ** 31) : 1));
const seconds = Number(HOLDFAST_FUZZ_SECONDS ?? 10);
const commandsPerRound = 300;

let redis: Awaited<ReturnType<typeof startRedis>>;
let gateway: RunningServer;
let clients: readonly [WireClient, WireClient];

beforeAll(async () => {
  [redis, gateway] = await Promise.all([startRedis(), startGateway()]);
  clients = await Promise.all([WireClient.connect(redis.address), WireClient.connect(gateway.address)]);
}, 60_000);

afterAll(async () => {
  for (const client of clients ?? []) client.close();
  await gateway?.process.stop();
  await redis?.stop();
});

async function both(...args: readonly string[]): Promise<[string, string]> {
  const replies = await Promise.all(clients.map((client) => client.call(...args)));
  return [renderReply(replies[0]), renderReply(replies[1])];
}

async function makeConsumers(key: string, group: string): Promise<void> {
  for (const name of ['c', 'd', 'e']) await both('XGROUP', 'CREATECONSUMER', key, group, name);
}

/** A command whose reply does not depend on the time; null when the one that was drawn does. */
function timelessRequest(random: Random, nextMs: () => number): string[] | null {
  const request = randomStreamRequest(random);
  const isClaim = request[0] === 'XCLAIM' || request[0] === 'XAUTOCLAIM';
  if (request.includes('BLOCK') || request.includes('IDLE') || (isClaim && request[4] === '50')) return null;
  return request.map((arg, at) => (arg === '*' && at > 1 ? `${nextMs()}-*` : arg));
}

/**
 * What of a reply is compared. Redis keeps a node without entries when its last one had been deleted one by one
 * before the others were trimmed.
 */
function comparable([name]: readonly string[], reply: string): string {
  const timeless = reply
    .replace(/\$"(seen-time|active-time|idle|inactive)", :-?\d+(, )?/g, '')
    .replace(/\$"(radix-tree-keys|radix-tree-nodes)", :\d+/g, '')
    .replace(/:1[78]\d{11}\b/g, ':time');
  return name === 'XPENDING' ? timeless.replace(/, :\d+, (:\d+\])/g, ', :idle, $1') : timeless;
}

/** Whether Redis 7.0 says something else, or does. */
const isNewer = (ours: string): boolean =>
  /smaller than current max_deleted_entry_id|equal or smaller/.test(ours);

async function round(random: Random): Promise<void> {
  await both('FLUSHALL');
  await both('CONFIG', 'SET', 'stream-node-max-entries', ['1', '3', '10', '100'][randomBelow(random, 4)]);
  await both('XGROUP', 'CREATE', 'x', 'g', '0', 'MKSTREAM');
  await makeConsumers('x', 'g');
  const trail: string[] = [];
  let ms = 1;
  for (let i = 0; i < commandsPerRound; i++) {
    const request = timelessRequest(random, () => (ms += randomBelow(random, 3)));
    if (request === null) continue;
    trail.push(request.join(' '));
    const [theirs, ours] = await both(...request);
    if (comparable(request, theirs) !== comparable(request, ours)) {
      if (isNewer(ours)) return;
      expect(ours, `after\n${trail.slice(-30).join('\n')}`).toBe(theirs);
    }
    const [name, verb, key, group] = request;
    if (name === 'XGROUP' && (verb === 'CREATE' || verb === 'DELCONSUMER')) await makeConsumers(key, group);
  }
}

it(
  `answers stream commands as redis-server does (HOLDFAST_SEED=${seed})`,
  async () => {
    const random = new SeededRandom(seed);
    const untilMs = performance.now() + seconds * 1000;
    let rounds = 0;
    for (; rounds === 0 || performance.now() < untilMs; rounds++) await round(random);
    console.log(`compared ${rounds} rounds`);
    await both('CONFIG', 'SET', 'stream-node-max-entries', '100');
  },
  seconds * 1000 + 60_000,
);
