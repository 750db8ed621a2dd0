/**
 * How long level storage is away: from the start of the process to the reply to a GET, after a clean stop, and after SIGKILL
 * in the midst of writes. `RESTART_KEYS` changes the scale; 20,000,000 is what is promised for, and takes 10 GB of disk.
 */
import { connect } from 'node:net';
import { fill } from './fill.js';
import { freshDirectory, type RunningServer, startOurs } from './servers.js';
import { formatFigure } from './table.js';

const { RESTART_KEYS = '2000000' } = process.env;
const keys = Number(RESTART_KEYS);
const valueBytes = 200;
const writingMs = 5000;
/** What is promised, in ms. */
const cleanMsMax = 1000;
const killedMsMax = 5000;

const ours = ['--storage', 'level', '--log', 'file', '--fsync', 'everysec', '--cache-bytes', '256mb'];

export async function restart(): Promise<void> {
  const directory = freshDirectory();
  const begin = (): Promise<RunningServer> => startOurs({ title: 'restart', redis: [], ours }, directory);
  const emptyMs = performance.now();
  let server = await begin();
  console.log(formatFigure('start without data', performance.now() - emptyMs, 'ms', ''));
  try {
    await fill(server.port, keys, valueBytes, true);
    await server.end('SIGTERM');
    const startMs = performance.now();
    server = await begin();
    await answered(server.port);
    const cleanMs = performance.now() - startMs;
    fill(server.port, Number.POSITIVE_INFINITY, valueBytes, true).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, writingMs));
    await server.end('SIGKILL');
    const killedMs = performance.now();
    server = await begin();
    await answered(server.port);
    const of = `of ${keys.toLocaleString('en-US')} keys`;
    console.log(formatFigure(`start ${of} after a clean stop`, cleanMs, 'ms', `at most ${cleanMsMax}`));
    const afterMs = performance.now() - killedMs;
    console.log(formatFigure(`start ${of} after SIGKILL`, afterMs, 'ms', `at most ${killedMsMax}`));
  } finally {
    await server.stop();
  }
}

/** Resolves when the value of a key that is there has been read. */
function answered(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET key:000000000001\r\n'));
    socket.on('error', reject);
    socket.once('data', (reply: Buffer) => {
      socket.destroy();
      if (reply.toString('latin1').startsWith(`$${valueBytes}\r\n`)) resolve();
      else reject(new Error(`not the value: ${reply.toString('latin1', 0, 60)}`));
    });
  });
}
