/** Starts and ends the servers that are compared: ours and redis-server, each alone on this machine's loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allocatorTunables } from '@holdfast/cluster';

export const gatewayMain: string = fileURLToPath(
  new URL('../../../apps/gateway/dist/main.js', import.meta.url),
);

export interface RunningServer {
  readonly name: 'redis' | 'ours';
  readonly port: number;
  /** `host:port` of the gRPC API; empty for Redis. */
  readonly grpc: string;
  /** Resident memory, in bytes. */
  residentBytes(): number;
  /** The most that it ever was, as the kernel has it. */
  residentPeakBytes(): number;
  /** The same, of its own and of files that it maps: the system takes the latter back when it needs memory. */
  residentParts(): { readonly anonymous: number; readonly mapped: number };
  /** CPU time that it took so far, in ms. */
  cpuMs(): number;
  /** What it wrote to the disk so far. */
  writtenBytes(): number;
  /** Ends it, SIGTERM in its own time; its directory stays. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Ends it, and removes its directory. */
  stop(): Promise<void>;
}

/** How the two sides are set up to promise the same. */
export interface Setup {
  readonly title: string;
  readonly redis: readonly string[];
  readonly ours: readonly string[];
}

export const inMemory: Setup = {
  title: 'in memory',
  redis: ['--save', '', '--appendonly', 'no'],
  ours: ['--storage', 'memory', '--log', 'none'],
};

/** A cache: so much memory, and what goes when it is full. */
export function limited(maxmemory: string, policy: string): Setup {
  const limits = ['--maxmemory', maxmemory, '--maxmemory-policy', policy];
  return {
    title: `${maxmemory}, ${policy}`,
    redis: [...inMemory.redis, ...limits],
    ours: [...inMemory.ours, ...limits],
  };
}

export function onDisk(fsync: 'always' | 'everysec' | 'no', storage: 'memory' | 'level'): Setup {
  return {
    title: `${storage} storage, log, fsync ${fsync}`,
    redis: ['--save', '', '--appendonly', 'yes', '--appendfsync', fsync],
    ours: ['--storage', storage, '--log', 'file', '--fsync', fsync],
  };
}

export const freshDirectory = (): string => mkdtempSync(join(tmpdir(), 'bench-'));

export async function startRedis(setup: Setup, directory: string = freshDirectory()): Promise<RunningServer> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, ...setup.redis];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  await untilListening(port);
  return running('redis', child, port, '', directory);
}

export async function startOurs(setup: Setup, directory: string = freshDirectory()): Promise<RunningServer> {
  const ports = ['--redis-port', '0', '--grpc-port', '0', '--http-port', '-1'];
  const args = [
    gatewayMain,
    ...ports,
    '--dir',
    join(directory, 'data'),
    '--log-level',
    'warn',
    ...setup.ours,
  ];
  // As `npm start` does: see tools/setup/gateway.mjs.
  const env = {
    GLIBC_TUNABLES: allocatorTunables,
    NODE_OPTIONS: '--max-semi-space-size=4',
    ...process.env,
  };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ready = await firstLine(child);
  const { redis, grpc } = JSON.parse(ready) as { redis: string; grpc: string | null };
  return running('ours', child, Number(redis.slice(redis.lastIndexOf(':') + 1)), grpc ?? '', directory);
}

function running(
  name: 'redis' | 'ours',
  child: ChildProcess,
  port: number,
  grpc: string,
  directory: string,
): RunningServer {
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const cut = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(cut);
  };
  return {
    name,
    port,
    grpc,
    residentBytes: () => statusOf(child, 'VmRSS'),
    residentPeakBytes: () => statusOf(child, 'VmHWM'),
    residentParts: () => ({ anonymous: statusOf(child, 'RssAnon'), mapped: statusOf(child, 'RssFile') }),
    cpuMs: () => cpuMsOf(child),
    writtenBytes: () => writtenBytesOf(child),
    end,
    async stop() {
      await end('SIGTERM');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** What the kernel says of a process, in bytes. */
function statusOf({ pid }: ChildProcess, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
}

function writtenBytesOf({ pid }: ChildProcess): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
}

/** Of its threads that live, as the scheduler counts it: `stat` has it in steps of 10 ms only. */
function cpuMsOf({ pid }: ChildProcess): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const times = threads.map(
    (id) => readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ', 1)[0],
  );
  return times.reduce((sum, ns) => sum + Number(ns), 0) / 1e6;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 2000; attempt++) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`nothing listens on port ${port}`);
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', (code) =>
      reject(new Error(`the gateway ended with code ${code} before it was ready`)),
    );
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
  });
}
