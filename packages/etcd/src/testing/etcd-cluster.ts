/**
 * Real etcd members for tests and development: processes on free loopback ports, with their data in a
 * temporary folder. Each member can be killed, started again, stopped in its tracks and woken.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import { endWithUs, freePorts } from '@holdfast/common/testing';
import { type etcdserverpb, fixedTls } from '@holdfast/rpc';
import { Etcd, type EtcdOptions } from '../etcd.js';

export interface EtcdClusterOptions {
  /** 1 when not given. */
  readonly members?: 1 | 3 | 5;
  /** Where the members keep their data; a temporary folder, removed at the end, when not given. */
  readonly directory?: string;
  readonly quotaBytes?: number;
  /** How long a token of a user lives, in seconds. */
  readonly tokenSeconds?: number;
  /** Clients must come over TLS; files in PEM. */
  readonly tls?: { readonly certificateFile: string; readonly keyFile: string; readonly ca: Buffer };
  /** When a follower calls an election, in ms; a tenth of it is the heartbeat. */
  readonly electionMs?: number;
}

const startTimeoutMs = 30_000;
const stderrKept = 4096;

/** One process of etcd, which may not be running. */
export class EtcdMember {
  /** `host:port` for clients. */
  readonly endpoint: string;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();
  #stderr = '';

  constructor(endpoint: string, args: readonly string[]) {
    this.endpoint = endpoint;
    this.#args = args;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** The end of what it said. */
  get stderr(): string {
    return this.#stderr;
  }

  start(): void {
    const child = spawn('etcd', this.#args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrKept);
    });
    const letGo = endWithUs(() => child.kill('SIGKILL'));
    this.#exited = new Promise((resolve) => {
      const ended = (): void => {
        letGo();
        if (this.#child === child) this.#child = null;
        resolve();
      };
      child.once('exit', ended);
      child.once('error', (error) => {
        this.#stderr += error.message;
        ended();
      });
    });
  }

  /** As a power cut for the process. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** Stops it in its tracks: its connections stay open, and nothing is answered. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }
}

export class EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly #directory: string;
  readonly #isTemporary: boolean;
  readonly #access: Pick<EtcdOptions, 'tls'>;

  /** Starts all members, and resolves when they serve. Throws, with what etcd said, when they do not. */
  static async start(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'holdfast-etcd-')));
    const ports = await freePorts((options.members ?? 1) * 2);
    const cluster = new EtcdCluster(options, directory, ports);
    try {
      for (const member of cluster.members) member.start();
      await cluster.ready();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  private constructor(options: EtcdClusterOptions, directory: string, ports: readonly number[]) {
    this.#directory = directory;
    this.#isTemporary = options.directory === undefined;
    this.#access = options.tls === undefined ? {} : { tls: fixedTls({ ca: options.tls.ca }) };
    const count = ports.length / 2;
    const peers = ports.slice(count).map((port, i) => `m${i}=http://127.0.0.1:${port}`);
    this.members = ports.slice(0, count).map((port, i) => {
      const endpoint = `127.0.0.1:${port}`;
      return new EtcdMember(endpoint, argumentsOf(options, directory, i, endpoint, peers));
    });
  }

  get endpoints(): string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /** A client of all members. */
  connect(options: Partial<EtcdOptions> = {}): Promise<Etcd> {
    return Etcd.open({ endpoints: this.endpoints, env: systemEnv(), ...this.#access, ...options });
  }

  /** Resolves when the cluster takes writes: there is a leader, and all running members know it. */
  async ready(): Promise<void> {
    const untilMs = Date.now() + startTimeoutMs;
    for (;;) {
      const running = this.members.filter(({ isRunning }) => isRunning);
      const members = await Promise.all(running.map((member) => this.#statusOf(member)));
      const leaders = members.map((status) => status?.leader ?? '0');
      if (leaders.length > 0 && leaders[0] !== '0' && leaders.every((id) => id === leaders[0])) return;
      if (Date.now() > untilMs || running.length === 0) {
        throw new Error(`etcd does not serve: ${this.members.map(({ stderr }) => stderr).join('\n')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The member that leads. */
  async leader(): Promise<EtcdMember> {
    for (;;) {
      for (const member of this.members) {
        const { leader, header } = (await this.#statusOf(member)) ?? {};
        if (leader !== undefined && leader !== '0' && leader === header?.memberId) return member;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends all members, and removes their data if its place was temporary. */
  async stop(): Promise<void> {
    for (const member of this.members) await member.kill();
    if (this.#isTemporary) await rm(this.#directory, { recursive: true, force: true });
  }

  /** Null when it does not answer. */
  async #statusOf({ endpoint }: EtcdMember): Promise<etcdserverpb.StatusResponse | null> {
    let etcd: Etcd | null = null;
    try {
      etcd = await this.connect({ endpoints: [endpoint], callTimeoutMs: 300 });
      return await etcd.status(endpoint);
    } catch {
      return null;
    } finally {
      etcd?.close();
    }
  }
}

function argumentsOf(
  { quotaBytes = 0, electionMs = 500, tokenSeconds = 300, tls }: EtcdClusterOptions,
  directory: string,
  index: number,
  endpoint: string,
  peers: readonly string[],
): string[] {
  const [name, peerUrl] = peers[index].split('=');
  const clientUrl = `${tls === undefined ? 'http' : 'https'}://${endpoint}`;
  const settings = {
    name,
    'data-dir': join(directory, name),
    'listen-client-urls': clientUrl,
    'advertise-client-urls': clientUrl,
    ...(tls && { 'cert-file': tls.certificateFile, 'key-file': tls.keyFile }),
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': peers.join(','),
    'initial-cluster-token': directory,
    'initial-cluster-state': 'new',
    'heartbeat-interval': String(Math.max(1, Math.round(electionMs / 10))),
    'election-timeout': String(electionMs),
    'quota-backend-bytes': String(quotaBytes),
    'auth-token-ttl': String(tokenSeconds),
    'log-level': 'error',
    logger: 'zap',
  };
  return Object.entries(settings).map(([setting, value]) => `--${setting}=${value}`);
}
