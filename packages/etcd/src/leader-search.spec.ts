import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { LeaderSearch } from './leader-search.js';
import { leaderAvoidMs, leaderLookMs, leaderLookSoonMs } from './limits.js';

/** Three members, of which the test says who leads and who answers. */
function members() {
  const env = new SimulatedEnv();
  const all = ['a', 'b', 'c'];
  const state = { leader: 'a', current: 'a', silent: new Set<string>(), asked: 0 };
  const search = new LeaderSearch({
    clock: env.clock,
    all,
    current: () => state.current,
    ask: async (id) => {
      state.asked++;
      if (state.silent.has(id)) throw new Error('no answer');
      return { id, leader: state.leader };
    },
    prefer: (endpoint) => {
      state.current = endpoint;
    },
  });
  /** What a call does, and how many members were asked because of it. */
  const call = async (): Promise<number> => {
    const before = state.asked;
    if (search.isDue) await search.look();
    return state.asked - before;
  };
  return { call, env, search, state };
}

describe('LeaderSearch', () => {
  it('goes after a lead that moved without a failure, within an interval', async () => {
    const { call, env, state } = members();
    state.leader = 'c';
    expect([await call(), state.current]).toEqual([0, 'a']);
    env.advance(leaderLookMs);
    await call();
    expect(state.current).toBe('c');
  });

  it('asks one member in an interval while nothing changes, and nobody between', async () => {
    const { call, env } = members();
    for (let i = 0; i < 3; i++) {
      env.advance(leaderLookMs);
      expect([await call(), await call()]).toEqual([1, 0]);
    }
  });

  it('finds the next leader soon after the last one failed, as often as it takes', async () => {
    const { call, env, search, state } = members();
    state.silent.add('a');
    state.leader = '0';
    state.current = 'b';
    search.failed('a');
    expect(await call()).toBe(0);
    env.advance(leaderLookSoonMs);
    await call();
    expect(state.current).toBe('b');
    state.leader = 'c';
    expect(await call()).toBe(0);
    env.advance(leaderLookSoonMs);
    await call();
    expect(state.current).toBe('c');
    expect(await call()).toBe(0);
  });

  it('does not go back at once to a leader that answers looks and fails calls', async () => {
    const { call, env, search, state } = members();
    state.current = 'b';
    search.failed('a');
    for (let ms = leaderLookSoonMs; ms < leaderAvoidMs; ms += leaderLookSoonMs) {
      env.advance(leaderLookSoonMs);
      await call();
      expect(state.current).toBe('b');
    }
    env.advance(leaderLookSoonMs);
    await call();
    expect(state.current).toBe('a');
  });
});
