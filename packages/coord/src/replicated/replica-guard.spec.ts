import { Request } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { KV, type ReadMode, type Session } from '@holdfast/engine';
import { MemoryStorage } from '@holdfast/storage';
import type { Oracle } from '@holdfast/tso';
import { expect, it } from 'vitest';
import { anyRoom } from './log-room.js';
import { FollowerGuard, LeaderGuard, type LeaderGuardOptions } from './replica-guard.js';

const env = new SimulatedEnv();
const { registry } = new KV({ storage: new MemoryStorage(env.random), oracle: {} as Oracle, env });

/** Why a leader refuses a command with so long a last argument; null when it does not. */
function refusalOf(roomBytes: number, length: number, ...args: string[]): string | null {
  const room = { ...anyRoom, roomBytes };
  const options = { leader: { node: 'a' }, writeBytesMax: 10_000_000, room };
  const guard = new LeaderGuard(options as unknown as LeaderGuardOptions);
  const request = Request.of(...args, Buffer.alloc(length));
  return guard.refusalOf(registry.resolve(request)!, request);
}

it('refuses long writes that would fill etcd, before anything of them is stored there', () => {
  expect(refusalOf(5_000_000, 4_000_000, 'SET', 'k')).toBeNull();
  expect(refusalOf(5_000_000, 6_000_000, 'SET', 'k')).toMatch(/^MISCONF etcd, .* is nearly full/);
  expect(refusalOf(0, 2_000_000, 'EVAL', 'return 1', '0')).toMatch(/^MISCONF/);
});

it('goes on with short writes and with reads while etcd is nearly full', () => {
  expect(refusalOf(0, 1_000_000, 'SET', 'k')).toBeNull();
  expect(refusalOf(0, 2_000_000, 'GET')).toBeNull();
  expect(refusalOf(0, 2_000_000, 'ECHO')).toBeNull();
});

it('refuses what no batch of the log may hold, however much room there is', () => {
  const any = Number.POSITIVE_INFINITY;
  expect(refusalOf(any, 9_000_000, 'SET', 'k')).toBeNull();
  expect(refusalOf(any, 11_000_000, 'SET', 'k')).toMatch(/^ERR the command has more than 10000000 bytes/);
});

it('shows libraries of functions at a follower only to those who read what may be old', () => {
  const guard = new FollowerGuard();
  guard.isReadable = true;
  const isElsewhere = (readMode: ReadMode, ...args: string[]): boolean =>
    guard.isElsewhere({ readMode } as Session, registry.resolve(Request.of(...args))!);
  for (const subcommand of ['LIST', 'DUMP']) {
    expect(isElsewhere('linearizable', 'FUNCTION', subcommand)).toBe(true);
    expect(isElsewhere('stale', 'FUNCTION', subcommand)).toBe(false);
  }
  expect(isElsewhere('linearizable', 'FUNCTION', 'STATS')).toBe(false);
});
