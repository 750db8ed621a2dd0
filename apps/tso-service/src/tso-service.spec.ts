/**
 * The service over a real etcd: as processes that are killed, stopped and ended, and in this process where a clock has
 * to jump. Needs a build, as every test that starts a process of ours.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Env, systemEnv } from '@holdfast/common';
import { EtcdCluster } from '@holdfast/etcd/testing';
import type { Oracle } from '@holdfast/tso';
import { RemoteOracle } from '@holdfast/tso/remote';
import { type OracleService, oracleServiceConformance } from '@holdfast/tso/testing';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rules, settingsOf } from './settings.js';
import { TsoService } from './tso-service.js';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const holdMs = 400;

/** An instance, wherever it runs. */
interface Instance {
  readonly grpc: string;
  isLeading(): Promise<boolean>;
  kill(): Promise<void>;
  stop(): Promise<void>;
  pause(ms: number): Promise<void>;
  jumpClock(ms: number): Promise<void>;
}

/** The settings of an instance on free ports, as flags. */
function flagsOf(etcd: EtcdCluster, prefix: string): Record<string, string> {
  const ports = { 'grpc-port': '0', 'http-port': '0', 'hold-ms': String(holdMs), 'log-level': 'error' };
  return { ...ports, etcd: etcd.endpoints.join(','), 'etcd-prefix': prefix };
}

class ProcessInstance implements Instance {
  readonly grpc: string;
  readonly http: string;
  readonly #child: ChildProcess;
  /** The code, or the signal that ended it. */
  readonly #exited: Promise<number | string>;

  static async start(
    flags: Record<string, string>,
    onSaid: (text: string) => void = () => {},
  ): Promise<ProcessInstance> {
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = new Promise<number | string>((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? signal!));
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      onSaid(text);
    });
    let output = '';
    for await (const chunk of child.stdout) {
      output += String(chunk);
      if (output.includes('\n')) break;
    }
    if (output === '') throw new Error(`the service ended with ${await exited} before it served: ${said}`);
    return new ProcessInstance(child, exited, JSON.parse(output) as { grpc: string; http: string });
  }

  private constructor(
    child: ChildProcess,
    exited: Promise<number | string>,
    { grpc, http }: { grpc: string; http: string },
  ) {
    this.grpc = grpc;
    this.http = http;
    this.#child = child;
    this.#exited = exited;
  }

  async isLeading(): Promise<boolean> {
    const text = await this.get('/metrics').catch(() => '');
    return text.includes('holdfast_tso_is_leading 1');
  }

  async get(path: string): Promise<string> {
    const response = await fetch(`http://${this.http}${path}`, { signal: AbortSignal.timeout(300) });
    return `${response.status} ${await response.text()}`;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    expect(await this.#exited).toBe(0);
  }

  async pause(ms: number): Promise<void> {
    this.#child.kill('SIGSTOP');
    void pause(ms).then(() => this.#child.kill('SIGCONT'));
  }

  async jumpClock(): Promise<void> {
    throw new Error('a process has the clock of its machine');
  }
}

/** An instance in this process, whose clock can be set. */
class LocalInstance implements Instance {
  readonly #service: TsoService;
  readonly #clock: { offsetMs: number };

  static async start(flags: Record<string, string>): Promise<LocalInstance> {
    const system = systemEnv();
    const clock = {
      offsetMs: 0,
      now: () => system.clock.now() + clock.offsetMs,
      monotonic: system.clock.monotonic,
    };
    const env: Env = { clock, timers: system.timers, random: system.random };
    const rulesOf = (name: string): string => flags[name] ?? rules[name].initial;
    return new LocalInstance(
      await TsoService.start(settingsOf(rulesOf), env, pino({ level: 'silent' })),
      clock,
    );
  }

  private constructor(service: TsoService, clock: { offsetMs: number }) {
    this.#service = service;
    this.#clock = clock;
  }

  get grpc(): string {
    return this.#service.addresses.grpc;
  }

  async isLeading(): Promise<boolean> {
    return this.#service.isLeading;
  }

  async kill(): Promise<void> {
    await this.stop();
  }

  async stop(): Promise<void> {
    await this.#service.close();
  }

  async pause(): Promise<void> {
    throw new Error('only a process can be stopped');
  }

  async jumpClock(ms: number): Promise<void> {
    this.#clock.offsetMs += ms;
  }
}

class RealService implements OracleService {
  readonly failoverMs: number = holdMs * 1.25 + 300;
  readonly #start: () => Promise<Instance>;
  readonly #instances: Instance[] = [];
  readonly #clients: RemoteOracle[] = [];

  static async start(start: () => Promise<Instance>): Promise<RealService> {
    const service = new RealService(start);
    for (let i = 0; i < 3; i++) service.#instances.push(await start());
    return service;
  }

  private constructor(start: () => Promise<Instance>) {
    this.#start = start;
  }

  async sleep(ms: number): Promise<void> {
    await pause(ms);
  }

  async connect(): Promise<Oracle> {
    const client = new RemoteOracle({ env: systemEnv(), endpoints: this.#instances.map(({ grpc }) => grpc) });
    this.#clients.push(client);
    return client;
  }

  async kill(): Promise<void> {
    await this.#replace((leader) => leader.kill());
  }

  async handOver(): Promise<void> {
    await this.#replace((leader) => leader.stop());
  }

  async pause(ms: number): Promise<void> {
    await (await this.leader()).pause(ms);
  }

  async jumpClock(ms: number): Promise<void> {
    await (await this.leader()).jumpClock(ms);
  }

  async leader(): Promise<Instance> {
    for (;;) {
      for (const instance of this.#instances) if (await instance.isLeading()) return instance;
      await pause(10);
    }
  }

  at(endpoint: string): Instance {
    return this.#instances.find(({ grpc }) => grpc === endpoint)!;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    for (const instance of this.#instances) await instance.kill();
  }

  async #replace(end: (leader: Instance) => Promise<void>): Promise<void> {
    const leader = await this.leader();
    await end(leader);
    this.#instances[this.#instances.indexOf(leader)] = await this.#start();
  }
}

let etcd: EtcdCluster;
let service: RealService;

beforeAll(async () => {
  etcd = await EtcdCluster.start();
});

afterAll(async () => {
  await etcd?.stop();
});

describe('the timestamp service, as processes', () => {
  beforeAll(async () => {
    service = await RealService.start(() => ProcessInstance.start(flagsOf(etcd, 'processes/')));
  }, 60_000);

  afterAll(() => service?.close());

  for (const { name, run } of oracleServiceConformance) {
    if (!name.includes('clock')) it(name, () => run(service), 60_000);
  }

  it('waits for an etcd that comes later than it does', async () => {
    const late = await EtcdCluster.start();
    await late.members[0].kill();
    const flags = { ...flagsOf(late, 'late/'), 'log-level': 'warn' };
    const instance = await ProcessInstance.start(flags, (text) => {
      if (text.includes('waits for etcd') && !late.members[0].isRunning) late.members[0].start();
    });
    expect(await instance.get('/healthz')).toBe('200 ok\n');
    await instance.kill();
    await late.stop();
  });

  it('is not ready while etcd is away, also the one that leads', async () => {
    const lone = await EtcdCluster.start();
    const instance = await ProcessInstance.start(flagsOf(lone, 'away/'));
    const readyz = (): Promise<string> => instance.get('/readyz').catch(String);
    await expect.poll(readyz, { timeout: 10_000 }).toBe('200 ok\n');
    await lone.members[0].kill();
    await expect.poll(readyz, { timeout: 10_000 }).toMatch(/^503 the mark in etcd could not be renewed/);
    lone.members[0].start();
    await expect.poll(readyz, { timeout: 20_000 }).toBe('200 ok\n');
    await instance.kill();
    await lone.stop();
  }, 60_000);

  it('tells whether it leads and is ready, and counts', async () => {
    const oracle = await service.connect();
    await oracle.fetch(100);
    const leader = service.at((oracle as RemoteOracle).endpoint) as ProcessInstance;
    expect(await leader.get('/readyz')).toBe('200 ok\n');
    expect(await leader.get('/healthz')).toBe('200 ok\n');
    expect(await leader.get('/metrics')).toMatch(/holdfast_tso_timestamps_total [1-9]\d\d/);
    expect(await leader.get('/else')).toBe('404 /metrics, /healthz or /readyz\n');
  });
});

describe('the timestamp service, with clocks that jump', () => {
  beforeAll(async () => {
    service = await RealService.start(() => LocalInstance.start(flagsOf(etcd, 'clocks/')));
  });

  afterAll(() => service?.close());

  for (const { name, run } of oracleServiceConformance) {
    if (name.includes('clock')) it(name, () => run(service), 60_000);
  }
});
