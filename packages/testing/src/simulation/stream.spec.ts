import { describe, expect, it } from 'vitest';
import { streamChannel } from './channels.js';
import { type NetworkFaults, noFaults } from './fault-profile.js';
import { Simulation } from './simulation.js';
import type { Stream } from './stream.js';

const feed = streamChannel<number, string>('feed');

interface Setup {
  readonly simulation: Simulation;
  readonly client: Stream<number, string>;
  /** What the server got, and how its end closed. */
  readonly atServer: (number | string)[];
  readonly atClient: (number | string)[];
  readonly server: () => Stream<string, number>;
}

/** A server that answers each number, and a client that is connected to it. */
async function connected(network: Partial<NetworkFaults> = {}): Promise<Setup> {
  const profile = { ...noFaults, network: { ...noFaults.network, ...network } };
  const simulation = new Simulation({ seed: 1, profile });
  const atServer: (number | string)[] = [];
  const atClient: (number | string)[] = [];
  let end: Stream<string, number> | undefined;
  simulation.addNode('server', {
    program: (life) => {
      life.network.accept(feed, (stream) => {
        end = stream;
        stream.onMessage((number) => {
          atServer.push(number);
          stream.send(`got ${number}`);
        });
        stream.onClose((reason) => atServer.push(reason));
      });
    },
  });
  const node = simulation.addNode('client', { program: () => {} });
  await simulation.run(10);
  const client = node.life!.network.connect('server', feed);
  client.onMessage((text) => atClient.push(text));
  client.onClose((reason) => atClient.push(reason));
  return { simulation, client, atServer, atClient, server: () => end! };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('a stream', () => {
  it('carries messages both ways, in order, until one side ends it', async () => {
    const { simulation, client, atServer, atClient } = await connected({ delayMeanMs: 20 });
    for (const number of numbers(50)) client.send(number);
    await simulation.run(1000);
    client.close();
    client.send(99);
    await simulation.run(1000);
    expect(atServer).toEqual([...numbers(50), 'ended']);
    expect(atClient).toEqual(numbers(50).map((number) => `got ${number}`));
    expect(client.isOpen).toBe(false);
  });

  it('loses nothing on a bad network, only time', async () => {
    const { simulation, client, atServer, atClient } = await connected({ lossRate: 0.2, delayMeanMs: 5 });
    for (const number of numbers(200)) client.send(number);
    await simulation.run(120_000);
    expect(atServer).toEqual(numbers(200));
    expect(atClient).toHaveLength(200);
  });

  it('survives a short partition', async () => {
    const { simulation, client, atServer } = await connected();
    client.send(1);
    await simulation.run(100);
    simulation.network.partition(['client']);
    client.send(2);
    client.send(3);
    await simulation.run(2000);
    expect(atServer).toEqual([1]);
    simulation.network.heal();
    await simulation.run(5000);
    expect(atServer).toEqual([1, 2, 3]);
  });

  it('is given up by a sender that reaches nobody for long; the other side does not know', async () => {
    const { simulation, client, atServer, atClient } = await connected();
    client.send(1);
    await simulation.run(100);
    simulation.network.partition(['client']);
    client.send(2);
    await simulation.run(20_000);
    expect(atClient).toEqual(['got 1', 'timeout']);
    expect(atServer).toEqual([1]);
  });

  it('is reset when the process of the other side is killed', async () => {
    const { simulation, client, atClient, server, atServer } = await connected();
    client.send(1);
    await simulation.run(100);
    simulation.node('server').crash('process');
    await simulation.run(100);
    expect(atClient).toEqual(['got 1', 'reset']);
    expect([client.isOpen, server().isOpen]).toEqual([false, false]);
    expect(atServer).toEqual([1]);
  });

  it('stays when the other side loses power, and is reset by the next life of it', async () => {
    const { simulation, client, atClient } = await connected();
    client.send(1);
    await simulation.run(100);
    simulation.node('server').crash('power');
    await simulation.run(60_000);
    expect([client.isOpen, atClient]).toEqual([true, ['got 1']]);
    simulation.node('server').start();
    await simulation.run(100);
    client.send(2);
    await simulation.run(100);
    expect(atClient).toEqual(['got 1', 'reset']);
  });

  it('is refused by who does not take it', async () => {
    const { simulation } = await connected();
    const closed: string[] = [];
    const { network } = simulation.node('server').life!;
    network.connect('client', feed).onClose((reason) => closed.push(reason));
    simulation.node('client').crash('process');
    simulation.node('client').start();
    network.connect('client', streamChannel('other')).onClose((reason) => closed.push(reason));
    await simulation.run(100);
    expect(closed).toEqual(['reset', 'reset']);
  });

  it('waits for a node that is paused', async () => {
    const { simulation, client, atServer } = await connected();
    await simulation.run(10);
    simulation.node('server').pause();
    for (const number of numbers(10)) client.send(number);
    await simulation.run(1000);
    expect(atServer).toEqual([]);
    simulation.node('server').resume();
    client.send(10);
    await simulation.run(1000);
    expect(atServer).toEqual(numbers(11));
  });
});
