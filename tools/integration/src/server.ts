/**
 * Starts and ends servers as processes of their own: the gateway as it was built, and redis-server from
 * the PATH. Each has addresses of its own, and is ended by its own handle.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithUs } from '@holdfast/common/testing';
import { type Address, WireClient } from './wire-client.js';

const gatewayMain = fileURLToPath(new URL('../../../apps/gateway/dist/main.js', import.meta.url));
const startTimeoutMs = 120_000;
const stderrKept = 8192;

/** A process that was started and may not serve yet. */
export class ServerProcess {
  /** Resolves with the exit code, null when a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd = process.cwd()) {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd });
    this.#child = child;
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#stderr += error.message;
        resolve(-1);
      });
      child.once('exit', (code) => resolve(code));
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-stderrKept);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrKept);
    });
    void this.exited.then(endWithUs(() => child.kill('SIGKILL')));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The end of what it said on stderr. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The first line on stdout that begins with `{`. Throws when the process ends before, or says nothing. */
  async readyLine(): Promise<string> {
    const { stdout } = this.#child;
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const line = /^(\{.*\})\n/m.exec(this.#stdout)?.[1];
        if (line === undefined) return;
        clearTimeout(timer);
        stdout?.off('data', check);
        resolve(line);
      };
      const timer = setTimeout(() => reject(new Error(`not ready in time: ${this.#stderr}`)), startTimeoutMs);
      stdout?.on('data', check);
      void this.exited.then((code) => {
        clearTimeout(timer);
        reject(new Error(`ended with code ${code} before it was ready: ${this.#stderr}`));
      });
      check();
    });
  }

  /** As a power cut for the process: no handler runs. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** An orderly end; resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.exited;
  }
}

/** Settings of the gateway, by their names without dashes in front. */
export type GatewaySettings = Readonly<Record<string, string>>;

/** Starts the gateway on free ports, without waiting until it serves; `tracer` is a command line that goes before its own. */
export function spawnGateway(settings: GatewaySettings = {}, tracer: readonly string[] = []): ServerProcess {
  const all = { 'redis-port': '0', 'grpc-port': '0', 'http-port': '0', 'log-level': 'warn', ...settings };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  // The variables of the tests (HOLDFAST_SEED and others) are no settings of the server.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_')),
  );
  const [program, ...rest] = [...tracer, process.execPath, gatewayMain, ...args];
  return new ServerProcess(program, rest, env);
}

export interface RunningServer {
  readonly process: ServerProcess;
  readonly address: Address;
}

/** Starts the gateway and waits until it serves. */
export async function startGateway(settings: GatewaySettings = {}): Promise<RunningServer> {
  const gateway = spawnGateway(settings);
  return { process: gateway, address: await redisAddress(gateway) };
}

/** Where a gateway that was spawned serves the Redis protocol, once it does. */
export async function redisAddress(gateway: ServerProcess): Promise<{ host: string; port: number }> {
  const { redis } = JSON.parse(await gateway.readyLine()) as { redis: string };
  const colon = redis.lastIndexOf(':');
  return { host: redis.slice(0, colon), port: Number(redis.slice(colon + 1)) };
}

/** Random commands can ask for more memory than the machine has: redis-server ends then, and not the machine. */
const redisBytesMax = 6 * 1024 ** 3;

/** Starts redis-server on a unix socket in a directory of its own, which `stop` removes. */
export async function startRedis(...settings: string[]): Promise<RunningServer & { stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-redis-'));
  const path = join(directory, 'socket');
  const args = ['--port', '0', '--unixsocket', path, '--dir', directory, '--save', '', '--appendonly', 'no'];
  const limited = [`--as=${redisBytesMax}`, 'redis-server', ...args, ...settings];
  const redis = new ServerProcess('prlimit', limited, process.env);
  const stop = async (): Promise<void> => {
    await redis.kill();
    await rm(directory, { recursive: true, force: true });
  };
  const untilMs = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      const client = await WireClient.connect({ path });
      await client.call('PING');
      client.close();
      return { process: redis, address: { path }, stop };
    } catch (error) {
      const ended = await Promise.race([redis.exited.then(() => true), pause(10).then(() => false)]);
      if (!ended && Date.now() < untilMs) continue;
      await stop();
      throw new Error(`redis-server does not serve: ${redis.stderr}`, { cause: error });
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A directory for a server's data, and what removes it. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
