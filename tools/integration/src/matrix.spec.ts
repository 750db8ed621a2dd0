/**
 * The same commands to redis-server and to the gateway, in RESP2 and RESP3, compared reply by reply. What
 * differs is listed in `matrix/differences.json` with its reason; anything else fails, and so does a listed
 * difference that is none any more.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparable, type MatrixLine, type MatrixSequence, readMatrix } from './matrix.js';
import { pause, type RunningServer, startGateway, startRedis } from './server.js';
import { WireClient } from './wire-client.js';

interface Difference {
  /** The line, as it stands in the matrix. */
  readonly line: string;
  readonly redis: string;
  readonly holdfast: string;
  readonly reason: string;
}

/** How the reference says in general what is said differently here: a regular expression and what it becomes. */
interface Rewording {
  readonly redis: string;
  readonly holdfast: string;
  readonly reason: string;
}

interface Differences {
  readonly rewordings: readonly Rewording[];
  readonly differences: readonly Difference[];
}

const { rewordings, differences } = JSON.parse(
  readFileSync(new URL('../matrix/differences.json', import.meta.url), 'utf8'),
) as Differences;
const files = readMatrix();
const replyTimeoutMs = 5000;

let redis: Awaited<ReturnType<typeof startRedis>>;
let gateway: RunningServer;
const differencesSeen = new Set<Difference | Rewording>();

beforeAll(async () => {
  [redis, gateway] = await Promise.all([startRedis(), startGateway()]);
}, 60_000);

afterAll(async () => {
  await gateway?.process.stop();
  await redis?.stop();
});

/** The two connections of a sequence to one server. */
class Side {
  readonly #clients: WireClient[];
  readonly #server: RunningServer;
  readonly #dialect: number;

  private constructor(server: RunningServer, dialect: number, client: WireClient) {
    this.#server = server;
    this.#dialect = dialect;
    this.#clients = [client];
  }

  static async open(server: RunningServer, dialect: number): Promise<Side> {
    const client = await WireClient.connect(server.address);
    await client.call('FLUSHALL');
    await hello(client, dialect);
    return new Side(server, dialect, client);
  }

  async client(connection: 1 | 2): Promise<WireClient> {
    if (this.#clients.length < connection) {
      const client = await WireClient.connect(this.#server.address);
      await hello(client, this.#dialect);
      this.#clients.push(client);
    }
    return this.#clients[connection - 1];
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

async function hello(client: WireClient, dialect: number): Promise<void> {
  if (dialect === 2) return;
  const reply = await client.call('HELLO', dialect);
  if (reply.type !== '%') throw new Error(`HELLO ${dialect}: ${reply.type}${reply.text}`);
}

/** Runs a sequence on both; what differs and is not listed, one text each. */
async function differencesOf({ lines, name }: MatrixSequence, dialect: number): Promise<string[]> {
  const [reference, ours] = await Promise.all([Side.open(redis, dialect), Side.open(gateway, dialect)]);
  const found: string[] = [];
  for (const line of lines) {
    const clients = await Promise.all([reference.client(line.connection), ours.client(line.connection)]);
    const [expected, actual] = await Promise.all(clients.map((client) => comparableReply(client, line)));
    if (expected === actual || isReworded(expected, actual)) continue;
    const listed = differences.find(
      (each) => each.line === line.text && each.redis === expected && each.holdfast === actual,
    );
    if (listed === undefined) {
      found.push(`${name}  ${line.text}\n    redis    ${expected}\n    holdfast ${actual}`);
    } else {
      differencesSeen.add(listed);
    }
  }
  reference.close();
  ours.close();
  return found;
}

function isReworded(expected: string, actual: string): boolean {
  const used: Rewording[] = [];
  let text = expected;
  for (const each of rewordings) {
    const reworded = text.replace(new RegExp(each.redis, 'g'), each.holdfast);
    if (reworded !== text) used.push(each);
    text = reworded;
  }
  if (text !== actual) return false;
  for (const each of used) differencesSeen.add(each);
  return true;
}

/** A reply that does not come is a difference too. */
async function comparableReply(client: WireClient, line: MatrixLine): Promise<string> {
  const late = pause(replyTimeoutMs).then(() => '(no reply)');
  const reply = client.call(...line.args).then(
    (wire) => comparable(wire, line),
    (error: Error) => `(${error.message})`,
  );
  return Promise.race([reply, late]);
}

describe.each([2, 3])('RESP%i', (dialect) => {
  it.each(files)('$name', { timeout: 120_000 }, async ({ sequences }) => {
    const found: string[] = [];
    for (const sequence of sequences) {
      found.push(...(await differencesOf(sequence, dialect)));
    }
    expect.soft(found.length, `differences:\n${found.join('\n')}`).toBe(0);
  });
});

it('lists no difference that is none any more, and none without a reason', () => {
  const listed = [...rewordings, ...differences];
  expect(listed.filter((each) => !differencesSeen.has(each))).toEqual([]);
  expect(listed.filter(({ reason }) => reason.trim() === '')).toEqual([]);
});
