/**
 * A cluster of processes on this machine, all of its data in one directory. `up` starts what does not run, in the order
 * in which one needs the other, and waits until all of it serves; so it makes a cluster, mends one, and does
 * nothing to one that is well. One `up` or `down` at a time: the directory is locked meanwhile.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { type Env, KvError } from '@holdfast/common';
import { EtcdLayout, EtcdMeta, ShardMap } from '@holdfast/coord';
import { Etcd, versionProblem } from '@holdfast/etcd';
import { NodeDisk } from '@holdfast/log';
import { MemberProcess } from './member-process.js';
import {
  type Member,
  type MemberKind,
  type Plan,
  type PlanOptions,
  planOf,
  readPlan,
  writePlan,
} from './plan.js';
import { addressesOf, host, programOf } from './programs.js';
import { isReady } from './readiness.js';

/** How long members of a kind may take to serve, and to end, in ms. */
const startTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;
const pollMs = 50;
const logLinesShown = 20;

export interface MemberState {
  readonly kind: MemberKind;
  readonly name: string;
  /** 0 when it does not run. */
  readonly pid: number;
  readonly isReady: boolean;
  /** By what they are for: `host:port`. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly log: string;
}

export class DevCluster {
  readonly directory: string;
  readonly #env: Env;
  readonly #onProgress: (text: string) => void;

  constructor(directory: string, env: Env, onProgress: (text: string) => void) {
    this.directory = directory;
    this.#env = env;
    this.#onProgress = onProgress;
  }

  /** Throws KvError INVALID, UNAVAILABLE (with what the member said), LOCKED. */
  async up(options: PlanOptions, given: ReadonlySet<string>): Promise<void> {
    this.#checkEtcd();
    await this.#locked(async () => {
      const plan = await planOf(options, readPlan(this.directory), given);
      writePlan(this.directory, plan);
      for (const kind of ['etcd', 'tso', 'node'] as const) await this.#start(plan, kind);
      await this.#makeMap(plan);
      await this.#start(plan, 'gateway');
    });
  }

  /** Ends everything, in the reverse order. How many processes were ended. */
  down(): Promise<number> {
    return this.#locked(async () => {
      const plan = readPlan(this.directory);
      let count = 0;
      for (const kind of ['gateway', 'node', 'tso', 'etcd'] as const) {
        if (plan !== null) count += await this.#stop(plan, kind);
      }
      return count;
    });
  }

  /** Of every member, in the order of their start. Throws KvError INVALID when there is no cluster here. */
  async states(): Promise<MemberState[]> {
    const plan = this.#plan();
    return Promise.all(plan.members.map((member) => this.#stateOf(plan, member)));
  }

  /** For clients of etcd: `host:port`, with commas between. */
  get etcd(): string {
    return addressesOf(this.#plan(), 'etcd', 'client');
  }

  #plan(): Plan {
    const plan = readPlan(this.directory);
    if (plan !== null) return plan;
    throw new KvError('INVALID', `there is no cluster in ${this.directory}: 'up' makes one`);
  }

  /** What is installed must be an etcd that we know to work; one with known defects is named. */
  #checkEtcd(): void {
    const { stdout, error } = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
    if (error !== undefined) throw new KvError('INVALID', `etcd can't be started: ${error.message}`);
    const version = /etcd Version: (\S+)/.exec(stdout)?.[1] ?? stdout.trim();
    const problem = versionProblem(version);
    if (problem === null) return;
    if (!problem.includes('may answer')) throw new KvError('INVALID', problem);
    this.#onProgress(`warning: ${problem}. Good enough for development.`);
  }

  async #start(plan: Plan, kind: MemberKind): Promise<void> {
    const members = plan.members.filter((member) => member.kind === kind);
    for (const member of members) {
      const process = this.#process(plan, member);
      if (process.start()) this.#onProgress(`started ${member.name}`);
    }
    const untilMs = this.#env.clock.monotonic() + startTimeoutMs;
    for (const member of members) await this.#untilReady(plan, member, untilMs);
  }

  async #untilReady(plan: Plan, member: Member, untilMs: number): Promise<void> {
    const process = this.#process(plan, member);
    while (!(await isReady(member, this.#env))) {
      const isLate = this.#env.clock.monotonic() > untilMs;
      if (process.isRunning && !isLate) {
        await this.#pause();
        continue;
      }
      const why = isLate ? `does not serve after ${startTimeoutMs / 1000} s` : 'ended before it served';
      const said = process.lastLines(logLinesShown);
      throw new KvError('UNAVAILABLE', `${member.name} ${why}; ${process.logPath} ends with:\n${said}`);
    }
  }

  /** The first map, over all nodes, once they have registered. */
  async #makeMap(plan: Plan): Promise<void> {
    const names = plan.members.filter(({ kind }) => kind === 'node').map(({ name }) => name);
    const env = this.#env;
    const etcd = await Etcd.open({ env, endpoints: addressesOf(plan, 'etcd', 'client').split(',') });
    const meta = await EtcdMeta.open({ etcd, env, layout: new EtcdLayout('holdfast/') });
    try {
      const wanted = ShardMap.even(plan.shards, names, plan.replicas);
      const map = await meta.changeMap(({ epoch }) => (epoch === 0 ? wanted.shards : null));
      const placed = new Set(map.shards.flatMap(({ nodes }) => nodes));
      for (const name of names) {
        if (!placed.has(name)) this.#onProgress(`${name} has no replicas yet: kvctl node add ${name}`);
      }
    } finally {
      meta.close();
      etcd.close();
    }
  }

  async #stop(plan: Plan, kind: MemberKind): Promise<number> {
    const members = plan.members.filter((member) => member.kind === kind);
    const running = members
      .map((member) => this.#process(plan, member))
      .filter((process) => process.isRunning);
    for (const process of running) {
      process.signal('SIGTERM');
      process.signal('SIGCONT');
    }
    const untilMs = this.#env.clock.monotonic() + stopTimeoutMs;
    for (const process of running) {
      while (process.isRunning) {
        if (this.#env.clock.monotonic() > untilMs) {
          this.#onProgress(`${process.name} did not end in ${stopTimeoutMs / 1000} s, and is killed`);
          process.signal('SIGKILL');
        }
        await this.#pause();
      }
      process.forget();
      this.#onProgress(`stopped ${process.name}`);
    }
    return running.length;
  }

  async #stateOf(plan: Plan, member: Member): Promise<MemberState> {
    const process = this.#process(plan, member);
    const { pid } = process;
    const addresses = Object.entries(member.ports).map(([purpose, port]) => [purpose, `${host}:${port}`]);
    return {
      kind: member.kind,
      name: member.name,
      pid,
      isReady: pid !== 0 && (await isReady(member, this.#env)),
      addresses: Object.fromEntries(addresses) as Record<string, string>,
      log: process.logPath,
    };
  }

  #process(plan: Plan, member: Member): MemberProcess {
    return new MemberProcess(this.directory, programOf(plan, member, this.directory));
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    mkdirSync(this.directory, { recursive: true });
    const lock = await new NodeDisk().lock(this.directory);
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
