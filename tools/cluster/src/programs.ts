/** How each member is started: its program and its flags. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Program } from './member-process.js';
import type { Member, MemberKind, Plan, Purpose } from './plan.js';

export const host = '127.0.0.1';

/**
 * What arrives by gRPC is garbage outside of V8's heap, and by a young generation of the usual 16 MiB so much of it comes
 * together that V8 marks all of its heap, several times a second. With a small one it goes in time: 15% less of the
 * processors for GET, 25% for SET. The image has it too.
 */
const nodeRuntime = ['--max-semi-space-size=2'];

const apps = { tso: 'tso-service', node: 'storage-node', gateway: 'gateway' } as const;

export function programOf(plan: Plan, member: Member, directory: string): Program {
  const flags = flagsOf(plan, member, directory);
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  if (member.kind === 'etcd') return { name: member.name, command: 'etcd', args };
  const main = fileURLToPath(new URL(`../../../apps/${apps[member.kind]}/dist/main.js`, import.meta.url));
  const runtime = member.kind === 'node' ? nodeRuntime : [];
  return { name: member.name, command: process.execPath, args: [...runtime, main, ...args] };
}

function flagsOf(plan: Plan, member: Member, directory: string): Record<string, string | number> {
  switch (member.kind) {
    case 'etcd':
      return etcdFlags(plan, member, directory);
    case 'tso':
      return { ...portFlags(member, 'grpc', 'http'), ...etcdAccess(plan) };
    case 'node':
      return {
        node: member.name,
        dir: join(directory, member.name),
        storage: plan.storage,
        ...portFlags(member, 'redis', 'grpc', 'http'),
        ...etcdAccess(plan),
        tso: addressesOf(plan, 'tso', 'grpc'),
      };
    case 'gateway':
      return { mode: 'cluster', ...portFlags(member, 'redis', 'grpc', 'http'), ...etcdAccess(plan) };
  }
}

function portFlags({ ports }: Member, ...purposes: Purpose[]): Record<string, string | number> {
  return {
    host,
    ...Object.fromEntries(purposes.map((purpose) => [`${purpose}-port`, ports[purpose] ?? -1])),
  };
}

function etcdAccess(plan: Plan): Record<string, string> {
  return { etcd: addressesOf(plan, 'etcd', 'client') };
}

/** `host:port` of all members of a kind, with commas between. */
export function addressesOf({ members }: Plan, kind: MemberKind, purpose: Purpose): string {
  return members
    .filter((member) => member.kind === kind)
    .map(({ ports }) => `${host}:${ports[purpose]}`)
    .join(',');
}

function etcdFlags(
  { members }: Plan,
  { name, ports }: Member,
  directory: string,
): Record<string, string | number> {
  const client = `http://${host}:${ports.client}`;
  const peer = `http://${host}:${ports.peer}`;
  const peers = members.filter(({ kind }) => kind === 'etcd');
  return {
    name,
    'data-dir': join(directory, name),
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': peers.map((one) => `${one.name}=http://${host}:${one.ports.peer}`).join(','),
    'initial-cluster-token': 'holdfast-development',
    'initial-cluster-state': 'new',
    'log-level': 'warn',
    logger: 'zap',
  };
}
