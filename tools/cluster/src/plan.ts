/**
 * What a development cluster consists of and which ports it has: decided once, written down in DIR/cluster.json, so that
 * what is started again is where it was.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KvError } from '@holdfast/common';
import { freePorts } from '@holdfast/common/testing';

export type MemberKind = 'etcd' | 'tso' | 'node' | 'gateway';

export interface Member {
  readonly kind: MemberKind;
  readonly name: string;
  /** By what they are for. */
  readonly ports: Ports;
}

export type Purpose = 'client' | 'peer' | 'redis' | 'grpc' | 'http';
export type Ports = Readonly<Partial<Record<Purpose, number>>>;

export interface Plan {
  readonly shards: number;
  readonly replicas: number;
  readonly storage: 'memory' | 'level';
  /** In the order of their start. */
  readonly members: readonly Member[];
}

export interface PlanOptions {
  readonly nodes: number;
  readonly gateways: number;
  readonly shards: number;
  readonly replicas: number;
  readonly storage: 'memory' | 'level';
}

/** Three: a majority goes on when one is lost. */
const etcdCount = 3;
const tsoCount = 2;

const portsOf: Readonly<Record<MemberKind, readonly Purpose[]>> = {
  etcd: ['client', 'peer'],
  tso: ['grpc', 'http'],
  node: ['redis', 'grpc', 'http'],
  gateway: ['redis', 'grpc', 'http'],
};

/** What was planned before with what is wanted more. Throws KvError INVALID for what can't be changed. */
export async function planOf(
  options: PlanOptions,
  before: Plan | null,
  given: ReadonlySet<string>,
): Promise<Plan> {
  for (const name of ['shards', 'replicas', 'storage'] as const) {
    if (before !== null && given.has(name) && before[name] !== options[name]) {
      throw new KvError('INVALID', `the cluster has ${name} ${before[name]}, which is fixed when it is made`);
    }
  }
  const members = [...(before?.members ?? [])];
  const wanted = { etcd: etcdCount, tso: tsoCount, node: options.nodes, gateway: options.gateways };
  for (const kind of ['etcd', 'tso', 'node', 'gateway'] as const) {
    const isGiven = before === null || given.has(`${kind}s`);
    const count = members.filter((member) => member.kind === kind).length;
    if (isGiven && wanted[kind] < count) {
      throw new KvError('INVALID', `the cluster has ${count} ${kind}s: 'kvctl node remove' makes it smaller`);
    }
    if (!isGiven) continue;
    for (let number = count + 1; number <= wanted[kind]; number++)
      members.push(await memberOf(kind, number, members));
  }
  const order = Object.keys(portsOf);
  members.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  const { shards, replicas, storage } = before ?? options;
  return { shards, replicas: Math.min(replicas, options.nodes), storage, members };
}

async function memberOf(kind: MemberKind, number: number, others: readonly Member[]): Promise<Member> {
  const names = portsOf[kind];
  const taken = new Set(others.flatMap(({ ports }) => Object.values(ports)));
  for (;;) {
    const ports = await freePorts(names.length);
    if (ports.some((port) => taken.has(port))) continue;
    const name = kind === 'node' ? `n${number}` : `${kind}${number}`;
    return { kind, name, ports: Object.fromEntries(names.map((purpose, i) => [purpose, ports[i]])) };
  }
}

const fileName = 'cluster.json';

/** Null when there is none. Throws KvError CORRUPT. */
export function readPlan(directory: string): Plan | null {
  const path = join(directory, fileName);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return JSON.parse(text) as Plan;
  } catch (cause) {
    throw new KvError('CORRUPT', `${path} is damaged: remove ${directory}, and everything in it is gone`, {
      cause,
    });
  }
}

export function writePlan(directory: string, plan: Plan): void {
  const path = join(directory, fileName);
  writeFileSync(`${path}.tmp`, JSON.stringify(plan, null, 2));
  renameSync(`${path}.tmp`, path);
}
