/** Whether a member does its work: as it says itself. */
import type { Env } from '@holdfast/common';
import { Etcd } from '@holdfast/etcd';
import type { Member } from './plan.js';
import { host } from './programs.js';

const timeoutMs = 1000;

export async function isReady(member: Member, env: Env): Promise<boolean> {
  const { kind, ports } = member;
  if (kind === 'etcd') return knowsLeader(`${host}:${ports.client}`, env);
  // A node without a map has nothing to serve, and is alive all the same.
  const path = kind === 'node' ? 'healthz' : 'readyz';
  try {
    const url = `http://${host}:${ports.http}/${path}`;
    return (await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })).ok;
  } catch {
    return false;
  }
}

async function knowsLeader(address: string, env: Env): Promise<boolean> {
  let etcd: Etcd | null = null;
  try {
    etcd = await Etcd.open({ env, endpoints: [address], callTimeoutMs: timeoutMs });
    const { leader } = await etcd.status(address);
    return leader !== '0';
  } catch {
    return false;
  } finally {
    etcd?.close();
  }
}
