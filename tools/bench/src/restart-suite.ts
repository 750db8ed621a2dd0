/**
 * How long level storage is away: from the start of the process to the reply to a GET, after a clean stop, after SIGKILL,
 * and after SIGKILL in the midst of writes, and how soon after that it is as quick as it was in the long run, with keys of
 * which some are asked for far more often than others. Beside it the time in which redis-server loads its append-only file of the same keys.
 * `RESTART_KEYS` and `RESTART_VALUE` change the scale; 20,000,000 keys of 64 B are what is promised for, and take 10 GB of disk.
 */
import { connect, type Socket } from 'node:net';
import { zipf } from './cache-load.js';
import { runCold } from './cold-load.js';
import { fill } from './fill.js';
import { freshDirectory, onDisk, type RunningServer, startOurs, startRedis } from './servers.js';
import { formatFigure } from './table.js';

const { RESTART_KEYS = '2000000', RESTART_VALUE = '64' } = process.env;
const keys = Number(RESTART_KEYS);
const valueBytes = Number(RESTART_VALUE);
const writingMs = 5000;
const askAgainMs = 10;
/** LevelDB is at rest when a server that only reads writes less than this in so many seconds of load. */
const restBytesMax = 1 << 20;
const restSeconds = 10;
const restRoundsMax = 30;
/** What is promised: in ms, and after how many seconds which share of the rate before. */
const cleanMsMax = 1000;
const killedMsMax = 5000;
const backSecondsMax = 10;
const backShare = 0.8;

const setup = onDisk('everysec', 'level');
const ours = { ...setup, ours: [...setup.ours, '--cache-bytes', '256mb'] };

export async function restart(): Promise<void> {
  console.log(`${keys.toLocaleString('en-US')} keys of ${valueBytes} B`);
  await restartOurs();
  await restartRedis();
}

async function restartOurs(): Promise<void> {
  const directory = freshDirectory();
  const draw = zipf(keys);
  const [first, emptyMs] = await timed(() => startOurs(ours, directory));
  let server = first;
  console.log(formatFigure('start without data', emptyMs, 'ms', ''));
  const begin = async (title: string, msMax: number): Promise<void> => {
    const [started, elapsedMs] = await timed(async () => answering(await startOurs(ours, directory)));
    server = started;
    console.log(formatFigure(`start ${title}`, elapsedMs, 'ms', `at most ${msMax}`));
  };
  try {
    await fill(server.port, keys, valueBytes, true);
    const steady = await steadyRateOf(server, draw);
    await server.end('SIGTERM');
    await begin('after a clean stop', cleanMsMax);
    await sayWhenBack(server, draw, steady);
    await server.end('SIGKILL');
    await begin('after SIGKILL', killedMsMax);
    await sayWhenBack(server, draw, steady);
    fill(server.port, Number.POSITIVE_INFINITY, valueBytes, true).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, writingMs));
    await server.end('SIGKILL');
    await begin(`after SIGKILL within ${writingMs / 1000} s of writes`, killedMsMax);
    await sayWhenBack(server, draw, steady);
  } finally {
    await server.stop();
  }
}

async function restartRedis(): Promise<void> {
  const directory = freshDirectory();
  let server = await startRedis(setup, directory);
  try {
    await fill(server.port, keys, valueBytes, true);
    await server.end('SIGTERM');
    const [started, elapsedMs] = await timed(async () => answering(await startRedis(setup, directory)));
    server = started;
    console.log(formatFigure('start of redis-server', elapsedMs, 'ms', ''));
  } finally {
    await server.stop();
  }
}

async function timed<T>(run: () => Promise<T>): Promise<[result: T, elapsedMs: number]> {
  const startMs = performance.now();
  const result = await run();
  return [result, performance.now() - startMs];
}

/** Requests per second. */
async function rateOf({ port }: RunningServer, draw: () => number, seconds: number): Promise<number> {
  const { rate } = await runCold({ port, connections: 50, seconds, valueBytes, draw });
  return rate;
}

/** The rate of a full cache once LevelDB has merged what so many new keys left to it, which takes a core meanwhile. */
async function steadyRateOf(server: RunningServer, draw: () => number): Promise<number> {
  const rates: number[] = [];
  let writtenBytes: number;
  do {
    writtenBytes = server.writtenBytes();
    rates.push(await rateOf(server, draw, restSeconds));
  } while (server.writtenBytes() - writtenBytes > restBytesMax && rates.length < restRoundsMax);
  const steady = rates[rates.length - 1];
  const shares = rates.map((rate) => (rate / steady).toFixed(2)).join(' ');
  console.log(formatFigure('GET, zipf, steady', steady, 'req/s', `every ${restSeconds} s: ${shares}`));
  return steady;
}

/** Prints after how many seconds of load the rate was what is promised: it is looked at second by second. */
async function sayWhenBack(server: RunningServer, draw: () => number, steady: number): Promise<void> {
  const rates: number[] = [];
  do rates.push(await rateOf(server, draw, 1));
  while (rates[rates.length - 1] < backShare * steady && rates.length < 3 * backSecondsMax);
  const shares = rates.map((rate) => (rate / steady).toFixed(2)).join(' ');
  const promise = `at most ${backSecondsMax}; second by second: ${shares}`;
  console.log(formatFigure(`seconds to ${backShare} of the steady rate`, rates.length, 's', promise));
}

/** The server, once the value of a key has been read: a server that still loads answers with an error. */
function answering(server: RunningServer): Promise<RunningServer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(server.port, '127.0.0.1');
    const ask = (): unknown => socket.write('GET key:000000000001\r\n');
    socket.on('connect', ask);
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      const reply = chunk.toString('latin1');
      if (reply.startsWith('-LOADING')) setTimeout(ask, askAgainMs);
      else if (!reply.startsWith(`$${valueBytes}\r\n`))
        reject(new Error(`not the value: ${reply.slice(0, 60)}`));
      else socket.end(() => resolve(server));
    });
  });
}
