import { systemEnv } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { LeaderOracle } from './leader-oracle.js';
import { RemoteOracle } from './remote-oracle.js';
import { oracleConformance } from './testing/oracle-conformance.js';
import { SimulatedMark } from './testing/simulated-mark.js';
import { SimulatedProcess } from './testing/simulated-process.js';
import { TimestampServer } from './timestamp-server.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Instance {
  readonly endpoint: string;
  readonly server: TimestampServer;
  readonly process: SimulatedProcess;
  readonly leader: LeaderOracle;
}

/** An instance whose clock is simulated, on a real socket. */
async function startInstance(env: SimulatedEnv, mark: SimulatedMark): Promise<Instance> {
  const process = new SimulatedProcess(env);
  const server = new TimestampServer();
  const endpoint = `127.0.0.1:${await server.listen(0, '127.0.0.1')}`;
  const leader = new LeaderOracle({ env: process, store: mark.storeFor(process), address: endpoint });
  server.setOracle(leader);
  closing.push(() => server.close());
  return { endpoint, server, process, leader };
}

async function untilItLeads(env: SimulatedEnv, { leader }: Instance): Promise<void> {
  while (!leader.isLeading) {
    await new Promise(setImmediate);
    env.advance(10);
  }
}

function connect(endpoints: string[], timeoutMs?: number): RemoteOracle {
  const oracle = new RemoteOracle({ env: systemEnv(), endpoints, ...(timeoutMs && { timeoutMs }) });
  closing.push(() => oracle.close());
  return oracle;
}

describe('RemoteOracle', () => {
  for (const { name, run } of oracleConformance) {
    it(name, async () => {
      const env = new SimulatedEnv();
      const mark = new SimulatedMark(env);
      let before: Instance | null = null;
      const open = async (): Promise<RemoteOracle> => {
        before?.process.kill();
        before?.server.close();
        const instance = await startInstance(env, mark);
        await untilItLeads(env, instance);
        before = instance;
        const oracle = connect([instance.endpoint]);
        await oracle.ready();
        return oracle;
      };
      await run({ env, open });
    });
  }

  it('finds the instance that leads, wherever it begins', async () => {
    const env = new SimulatedEnv();
    const mark = new SimulatedMark(env);
    const leader = await startInstance(env, mark);
    await untilItLeads(env, leader);
    const others = [await startInstance(env, mark), await startInstance(env, mark)];
    const oracle = connect([...others.map(({ endpoint }) => endpoint), leader.endpoint]);
    expect(await oracle.fetch(1)).toBeGreaterThan(0);
    expect(oracle.endpoint).toBe(leader.endpoint);
    // Told by one of them, without trying the others.
    const told = connect([others[0].endpoint]);
    expect(await told.fetch(1)).toBeGreaterThan(0);
    expect(told.endpoint).toBe(leader.endpoint);
  });

  it('goes on with another instance when one is gone, and what was under way is answered', async () => {
    const env = new SimulatedEnv();
    const mark = new SimulatedMark(env);
    const first = await startInstance(env, mark);
    await untilItLeads(env, first);
    const second = await startInstance(env, mark);
    const oracle = connect([first.endpoint, second.endpoint]);
    const last = await oracle.fetch(10);
    await first.leader.close();
    first.server.close();
    const fetching = Array.from({ length: 50 }, () => oracle.fetch(10));
    await untilItLeads(env, second);
    const firsts = await Promise.all(fetching);
    expect(Math.min(...firsts)).toBeGreaterThan(last + 9);
    expect(new Set(firsts).size).toBe(50);
    expect(oracle.endpoint).toBe(second.endpoint);
  });

  it('gives up after a time when there is nobody, and says why', async () => {
    const oracle = connect(['127.0.0.1:1'], 300);
    await expect(oracle.fetch(1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(oracle.fetch(1)).rejects.toThrow('127.0.0.1:1');
    const env = new SimulatedEnv();
    const { endpoint, leader } = await startInstance(env, new SimulatedMark(env));
    await leader.close();
    await expect(connect([endpoint], 300).fetch(1)).rejects.toThrow('does not lead');
  });

  it('refuses what makes no sense, and what is too much', async () => {
    const oracle = connect(['127.0.0.1:1']);
    await expect(oracle.fetch(0)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(oracle.fetch(2 ** 21)).rejects.toMatchObject({ code: 'LIMIT' });
    expect(() => oracle.next(1)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
  });

  it('asks once for all that gathered', async () => {
    const env = new SimulatedEnv();
    const instance = await startInstance(env, new SimulatedMark(env));
    await untilItLeads(env, instance);
    const oracle = connect([instance.endpoint]);
    await oracle.fetch(1);
    const { requests } = instance.server.counts;
    const firsts = await Promise.all(Array.from({ length: 10_000 }, () => oracle.fetch(3)));
    expect(instance.server.counts.requests).toBe(requests + 1);
    firsts.forEach((first, i) => {
      if (i > 0) expect(first).toBe(firsts[i - 1] + 3);
    });
  });
});
