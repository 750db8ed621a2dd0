import { KvError } from '@holdfast/common';
import { describe, expect, it } from 'vitest';
import { callChannel, messageChannel } from './channels.js';
import { type FaultProfile, type NetworkFaults, noFaults } from './fault-profile.js';
import type { NodeLife } from './node-life.js';
import { Simulation } from './simulation.js';

const echo = callChannel<{ text: string }, { text: string }>('echo');
const echoTwice = callChannel<{ text: string }, { text: string }>('echo twice', { mayRepeat: true });
const gossip = messageChannel<{ number: number; list: number[] }>('gossip');
const seed = 1;

function withNetwork(network: Partial<NetworkFaults>): FaultProfile {
  return { ...noFaults, network: { ...noFaults.network, ...network } };
}

/** Two nodes: `a` does what it is told, `b` answers. */
function pair(
  profile: FaultProfile = noFaults,
  programA: (life: NodeLife) => void | Promise<void> = () => {},
): { simulation: Simulation; got: string[]; call: (text: string, timeoutMs?: number) => Promise<string> } {
  const simulation = new Simulation({ seed, profile });
  const got: string[] = [];
  simulation.addNode('b', {
    program: ({ network }) => {
      for (const channel of [echo, echoTwice]) {
        network.serve(channel, ({ text }, from) => {
          got.push(`${from}: ${text}`);
          if (text === 'fail') throw new KvError('REFUSED', 'not today');
          return { text };
        });
      }
    },
  });
  const a = simulation.addNode('a', { program: programA });
  const call = async (text: string, timeoutMs = 100): Promise<string> => {
    const network = a.life?.network;
    if (network === undefined) return 'a is down';
    return network.call('b', echo, { text }, { timeoutMs }).then(
      (reply) => reply.text,
      (error: KvError) => `${error.code}: ${error.message}`,
    );
  };
  return { simulation, got, call };
}

/** What a promise of simulated code comes to. */
async function settle<T>(simulation: Simulation, promise: Promise<T>): Promise<T> {
  await simulation.run(60_000);
  return Promise.race([promise, Promise.reject(new Error('still pending'))]);
}

describe('a call', () => {
  it('is answered', async () => {
    const { simulation, got, call } = pair();
    expect(await settle(simulation, call('hello'))).toBe('hello');
    expect(got).toEqual(['a: hello']);
  });

  it('gets the KvError that its handler threw', async () => {
    const { simulation, call } = pair();
    expect(await settle(simulation, call('fail'))).toBe('REFUSED: not today');
  });

  it('is refused when nobody serves it, and by a process that is gone', async () => {
    const { simulation, got, call } = pair();
    simulation.node('b').crash('process');
    expect(await settle(simulation, call('hello'))).toBe('UNAVAILABLE: b: the process is not there');
    const { life } = simulation.node('a');
    simulation.node('b').start();
    const refused = life!.network.call('a', echo, { text: 'self' }, { timeoutMs: 10 });
    await expect(settle(simulation, refused)).rejects.toThrow('it does not serve echo');
    expect(got).toEqual([]);
  });

  it('is in doubt when its answer does not come: a machine without power, a blocked link', async () => {
    const { simulation, got, call } = pair();
    const inDoubt = 'UNDETERMINED: b did not answer echo within 100 ms';
    simulation.node('b').crash('power');
    expect(await settle(simulation, call('one'))).toBe(inDoubt);
    simulation.node('b').start();
    simulation.network.block('a', 'b');
    expect(await settle(simulation, call('two'))).toBe(inDoubt);
    expect(got).toEqual([]);
    simulation.network.heal();
    simulation.network.block('b', 'a');
    expect(await settle(simulation, call('three'))).toBe(inDoubt);
    expect(got).toEqual(['a: three']);
  });

  it('is in doubt when the process that works on it is killed', async () => {
    const { simulation, call } = pair(withNetwork({ delayMinMs: 1, delayMeanMs: 0 }));
    let hasArrived = false;
    simulation.node('b').life!.network.serve(echo, () => {
      hasArrived = true;
      return new Promise<never>(() => {});
    });
    await simulation.run(10);
    simulation.node('b').life!.network.serve(echo, () => {
      hasArrived = true;
      return new Promise<never>(() => {});
    });
    const reply = call('hello');
    expect(await simulation.runUntil(() => hasArrived, 100)).toBe(true);
    simulation.node('b').crash('process');
    const startMs = simulation.nowMs;
    let answeredMs = 0;
    void reply.then(() => {
      answeredMs = simulation.nowMs;
    });
    expect(await settle(simulation, reply)).toBe('UNDETERMINED: b: the connection was lost');
    expect(answeredMs - startMs).toBeLessThan(2);
  });

  it('waits for a node that is paused', async () => {
    const { simulation, got, call } = pair();
    await simulation.run(1);
    simulation.node('b').pause();
    const reply = call('hello', 5000);
    await simulation.run(1000);
    expect(got).toEqual([]);
    simulation.node('b').resume();
    expect(await settle(simulation, reply)).toBe('hello');
  });

  it('arrives once, unless its channel may repeat it', async () => {
    const { simulation, got } = pair(withNetwork({ duplicateRate: 1 }));
    const { network } = simulation.node('a').life!;
    await simulation.run(1);
    for (const channel of [echo, echoTwice]) {
      const reply = network.call('b', channel, { text: channel.name }, { timeoutMs: 100 });
      expect(await settle(simulation, reply)).toEqual({ text: channel.name });
    }
    expect(got).toEqual(['a: echo', 'a: echo twice', 'a: echo twice']);
  });

  it('of a node to itself is spared by the network', async () => {
    const { simulation } = pair(withNetwork({ lossRate: 1 }));
    const { network } = simulation.node('b').life!;
    await simulation.run(1);
    const reply = network.call('b', echo, { text: 'self' }, { timeoutMs: 100 });
    expect(await settle(simulation, reply)).toEqual({ text: 'self' });
  });

  it('to a node that does not exist is a mistake', () => {
    const { simulation } = pair();
    const { network } = simulation.node('a').life!;
    const call = network.call('nobody', echo, { text: '' }, { timeoutMs: 1 });
    return expect(call).rejects.toThrow('there is no node nobody');
  });
});

describe('messages', () => {
  /** Numbers that arrive when 1,000 are sent, one each millisecond. */
  async function received(network: Partial<NetworkFaults>): Promise<number[]> {
    const numbers: number[] = [];
    const { simulation } = pair(withNetwork(network), async (life) => {
      for (let number = 0; number < 1000; number++) {
        await life.sleep(1);
        life.network.send('b', gossip, { number, list: [] });
      }
    });
    simulation.node('b').life!.network.onMessage(gossip, ({ number }) => {
      numbers.push(number);
    });
    await simulation.run(10_000);
    return numbers;
  }

  const inOrder = (numbers: number[]) => numbers.every((number, i) => i === 0 || number >= numbers[i - 1]);

  it('arrive in order and once when the network is good', async () => {
    const numbers = await received({ delayMeanMs: 0 });
    expect(numbers).toHaveLength(1000);
    expect(inOrder(numbers)).toBe(true);
  });

  it('are lost, doubled and overtaken at the rates of the profile', async () => {
    expect((await received({ lossRate: 0.1 })).length).toBeLessThan(930);
    expect((await received({ duplicateRate: 0.1 })).length).toBeGreaterThan(1070);
    const late = await received({ delayMeanMs: 20 });
    expect(late).toHaveLength(1000);
    expect(inOrder(late)).toBe(false);
  });

  it('are lost in bursts, and held up by clogs', async () => {
    const burst = await received({ burstRate: 0.002, burstMeanMs: 100, delayMeanMs: 0 });
    const gaps = burst.map((number, i) => number - (burst[i - 1] ?? -1));
    expect(Math.max(...gaps)).toBeGreaterThan(20);
    expect(burst.length).toBeGreaterThan(300);
    const clogged = await received({ clogRate: 0.002, clogMeanMs: 100, delayMeanMs: 0 });
    expect(clogged).toHaveLength(1000);
  });

  it('are copies: what one node changes later, or what it gets, no other node sees', async () => {
    const message = { number: 1, list: [1] };
    const seen: number[][] = [];
    const { simulation } = pair(withNetwork({ duplicateRate: 1 }), (life) => {
      life.network.send('b', gossip, message);
      message.list.push(2);
    });
    simulation.node('b').life!.network.onMessage(gossip, ({ list }) => {
      seen.push([...list]);
      list.push(3);
    });
    await simulation.run(100);
    expect(seen).toEqual([[1], [1]]);
    expect(message.list).toEqual([1, 2]);
  });

  it('carry data only', () => {
    const { simulation } = pair();
    const { network } = simulation.node('a').life!;
    const bad = messageChannel<unknown>('bad');
    const good = { bytes: new Uint8Array(2), map: new Map([['a', new Set([1n])]]), nothing: null };
    network.send('b', bad, good);
    expect(() => network.send('b', bad, () => {})).toThrow("a message can't carry a function");
    expect(() => network.send('b', bad, { when: new Date() })).toThrow("a message can't carry a Date");
  });
});

describe('a partition', () => {
  it('separates both ways, or one, until it heals', async () => {
    const { simulation, got, call } = pair();
    await simulation.run(1);
    simulation.network.partition(['a'], { oneWay: true });
    expect(simulation.network.isBlocked('a', 'b')).toBe(true);
    expect(simulation.network.isBlocked('b', 'a')).toBe(false);
    simulation.network.heal();
    simulation.network.partition(['b']);
    expect(simulation.network.isBlocked('a', 'b')).toBe(true);
    expect(simulation.network.isBlocked('b', 'a')).toBe(true);
    expect(await settle(simulation, call('hello'))).toContain('UNDETERMINED');
    simulation.network.heal();
    expect(await settle(simulation, call('again'))).toBe('again');
    expect(got).toEqual(['a: again']);
  });

  it('swallows what is on its way', async () => {
    const { simulation, got, call } = pair(withNetwork({ delayMinMs: 10 }));
    const reply = call('hello');
    await simulation.run(5);
    simulation.network.partition(['a']);
    await simulation.run(50);
    simulation.network.heal();
    expect(await settle(simulation, reply)).toContain('UNDETERMINED');
    expect(got).toEqual([]);
  });
});
