/**
 * New keys over four connections, a hundred in a pipeline, as fast as they are taken: how many a second, and how many in the
 * worst of these seconds. `SUSTAINED_SECONDS` and `SUSTAINED_CACHE` change the scale; 300 is what is promised for.
 */
import { connect, type Socket } from 'node:net';
import { startOurs } from './servers.js';
import { formatFigure } from './table.js';

const { SUSTAINED_SECONDS = '60', SUSTAINED_CACHE = '256mb' } = process.env;
const seconds = Number(SUSTAINED_SECONDS);
const connections = 4;
const pipeline = 100;
const value = 'x'.repeat(100);
const replyBytes = pipeline * '+OK\r\n'.length;
/** What is promised: keys a second, and the share of the mean that the worst second has. */
const rateMin = 60_000;
const worstShareMin = 1 / 3;

const ours = ['--storage', 'level', '--log', 'file', '--fsync', 'everysec', '--cache-bytes', SUSTAINED_CACHE];

export async function sustained(): Promise<void> {
  const server = await startOurs({ title: 'sustained', redis: [], ours });
  try {
    const perSecond = await write(server.port);
    process.stderr.write(
      `thousands in each second: ${perSecond.map((count) => Math.round(count / 1000)).join(' ')}\n`,
    );
    const mean = perSecond.reduce((sum, count) => sum + count, 0) / perSecond.length;
    const worst = Math.min(...perSecond);
    const what = `new keys of 100 B for ${seconds} s`;
    console.log(formatFigure(what, mean, 'req/s', `at least ${rateMin}`));
    console.log(
      formatFigure('the worst second', worst, 'req/s', `at least ${Math.round(mean * worstShareMin)}`),
    );
    const { anonymous, mapped } = server.residentParts();
    console.log(
      formatFigure(`memory of the process, --cache-bytes ${SUSTAINED_CACHE}`, anonymous / 1e6, 'MB', ''),
    );
    console.log(formatFigure('files that it maps, as far as in memory', mapped / 1e6, 'MB', ''));
  } finally {
    await server.stop();
  }
}

/** How many were acknowledged in each second. */
async function write(port: number): Promise<number[]> {
  const counts = new Array<number>(seconds).fill(0);
  const startMs = performance.now();
  let next = 0;
  const request = (): string => {
    let text = '';
    for (let i = 0; i < pipeline; i++)
      text += `*3\r\n$3\r\nSET\r\n$16\r\nkey:${String(next++).padStart(12, '0')}\r\n$100\r\n${value}\r\n`;
    return text;
  };
  const acknowledged = (): boolean => {
    const second = Math.floor((performance.now() - startMs) / 1000);
    if (second < seconds) counts[second] += pipeline;
    return second < seconds;
  };
  await Promise.all(Array.from({ length: connections }, () => writeOver(port, request, acknowledged)));
  return counts;
}

/** One pipeline after the other, until `acknowledged` says that it is enough. */
function writeOver(port: number, request: () => string, acknowledged: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(request()));
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      if (chunk[0] === 45) reject(new Error(`refused: ${chunk.toString('latin1', 0, 80)}`));
      received += chunk.length;
      if (received < replyBytes) return;
      received = 0;
      if (acknowledged()) socket.write(request());
      else socket.end(resolve);
    });
  });
}
