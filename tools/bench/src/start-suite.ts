/**
 * How soon a server without data answers, and what that took: from the start of the process to the reply to PING, as a
 * test that starts a server of its own waits for it. And the same without a server: from the start of a program to the
 * reply to its first SET, by `open()` in its own process; Redis has no such thing, and is the same start as above.
 */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { inMemory, type RunningServer, startOurs, startRedis } from './servers.js';
import { formatRow, type Row } from './table.js';

/** In ms. */
interface Start {
  readonly time: number;
  readonly cpu: number;
}

const embeddedProgram = fileURLToPath(new URL('./embedded-program.js', import.meta.url));

export async function start(pairs: number): Promise<void> {
  const redis: Start[] = [];
  const server: Start[] = [];
  const embedded: Start[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    redis.push(await startServer(() => startRedis(inMemory)));
    server.push(await startServer(() => startOurs(inMemory)));
    embedded.push(await startEmbedded());
  }
  const print = (what: string, ours: readonly Start[], figure: keyof Start): void => {
    const row: Row = { what, redis: figures(redis, figure), ours: figures(ours, figure), unit: 'ms' };
    console.log(formatRow(row));
  };
  print('start in memory, to the first PONG', server, 'time');
  print('CPU time of it', server, 'cpu');
  print('program with open(), to the reply to a SET', embedded, 'time');
  print('CPU time of it', embedded, 'cpu');
}

function figures(starts: readonly Start[], figure: keyof Start): number[] {
  return starts.map((each) => each[figure]);
}

async function startServer(begin: () => Promise<RunningServer>): Promise<Start> {
  const beganMs = performance.now();
  const server = await begin();
  await answered(server.port);
  const time = performance.now() - beganMs;
  const cpu = server.cpuMs();
  await server.stop();
  return { time, cpu };
}

/** The program says itself what it took: it is over too soon to be asked. */
function startEmbedded(): Promise<Start> {
  const beganMs = performance.now();
  const child = spawn(process.execPath, [embeddedProgram], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let time = 0;
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      time = performance.now() - beganMs;
      text += chunk.toString('utf8');
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve({ time, cpu: Number(text) });
      else reject(new Error(`the program with open() ended with code ${code}`));
    });
  });
}

function answered(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.on('error', reject);
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
  });
}
