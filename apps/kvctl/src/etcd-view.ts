/** The members of etcd, as each says of itself. */
import { KvError } from '@holdfast/common';
import { type Etcd, versionProblem } from '@holdfast/etcd';

export interface MemberView {
  readonly address: string;
  readonly isUp: boolean;
  readonly isLeading: boolean;
  readonly version: string;
  readonly bytes: number;
}

export interface EtcdView {
  readonly members: readonly MemberView[];
  /** `host:port`; empty when none of those that were asked leads. */
  readonly leader: string;
  readonly versions: readonly string[];
  /** Of the fullest member's file. */
  readonly bytes: number;
  readonly problems: readonly string[];
  /** What works, and should be changed all the same. */
  readonly warnings: readonly string[];
}

export async function etcdView(etcd: Etcd): Promise<EtcdView> {
  const members = await Promise.all(etcd.addresses.map((address) => memberView(etcd, address)));
  const up = members.filter(({ isUp }) => isUp);
  const versions = [...new Set(up.map(({ version }) => version))];
  const problems = members
    .filter(({ isUp }) => !isUp)
    .map(({ address }) => `etcd at ${address} does not answer`);
  const warnings = versions.map(versionProblem).filter((problem) => problem !== null);
  for (const { alarm } of await etcd.alarms().catch(noAlarms)) problems.push(alarmText(alarm));
  return {
    members,
    leader: up.find(({ isLeading }) => isLeading)?.address ?? '',
    versions,
    bytes: Math.max(0, ...up.map(({ bytes }) => bytes)),
    problems,
    warnings,
  };
}

async function memberView(etcd: Etcd, address: string): Promise<MemberView> {
  try {
    const { version, leader, header, dbSize } = await etcd.status(address);
    return { address, isUp: true, isLeading: leader === header!.memberId, version, bytes: dbSize };
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return { address, isUp: false, isLeading: false, version: '', bytes: 0 };
  }
}

/** Who can't be asked is among the problems already. */
function noAlarms(): [] {
  return [];
}

/** 1 and 2 in etcd's own numbering. */
function alarmText(alarm: number): string {
  if (alarm === 1) return 'etcd is full, and every write of the cluster stops: see docs/operations.md';
  return `etcd says that a member is damaged (alarm ${alarm})`;
}
