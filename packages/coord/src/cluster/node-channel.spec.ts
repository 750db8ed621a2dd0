import { Request } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { node } from '@holdfast/rpc';
import { expect, it } from 'vitest';
import { Lane, type LaneUser } from './lane.js';
import { NodeChannel } from './node-channel.js';
import type { ForwardStream } from './node-link.js';
import { Run, type RunOwner } from './run.js';
import type { ShardRoute } from './shard-route.js';

const ping = Request.of('PING');
const owner: RunOwner = { answered: () => {}, failed: () => {}, split: () => {} };

function channelOf() {
  const env = new SimulatedEnv();
  const sent: node.ForwardRequest[] = [];
  let receive = (_message: Buffer): void => {};
  const stream: ForwardStream = {
    on: (event: string, listener: (value: never) => void) => {
      if (event === 'data') receive = listener as (message: Buffer) => void;
    },
    write: (message, written) => {
      sent.push(node.ForwardRequest.decode(message));
      written();
      return true;
    },
    end: () => {},
    cancel: () => {},
  };
  const channel = new NodeChannel({
    node: 'a',
    env,
    connector: { whenReachable: (ready) => ready(), open: () => stream, close: () => {} },
    onLead: () => {},
    onState: () => {},
  });
  const reply = (response: Partial<node.ForwardResponse>): void =>
    receive(Buffer.from(node.ForwardResponse.encode(node.ForwardResponse.fromPartial(response)).finish()));
  /** A session that is open at the node, its number, and what it was sent. */
  const open = () => {
    const pushed: string[] = [];
    const user: LaneUser = {
      laneLost: () => {},
      pushed: (_lane, bytes, start, length) => pushed.push(bytes.toString('latin1', start, start + length)),
    };
    const lane = new Lane(user, { name: 's' } as ShardRoute, false);
    const run = new Run(owner, lane);
    channel.openLane(lane);
    const { number } = lane;
    channel.begin(run, lane, 64);
    channel.append(run, ping, 0);
    env.advance(0);
    reply({
      replies: [
        { id: run.id, count: 1, replies: Buffer.from('+PONG'), version: 0, undetermined: 0, refused: false },
      ],
    });
    return { lane, number, pushed };
  };
  return { channel, env, open, reply, sent };
}

it('what the node still sent to a session that ended reached the next one, which had its number', () => {
  const { channel, env, open, reply, sent } = channelOf();
  const old = open();
  channel.closeLane(old.lane);
  env.advance(0);
  expect(sent.at(-1)?.closed).toEqual([old.number]);
  const next = open();
  reply({ pushes: [{ session: old.number, messages: Buffer.from('late') }] });
  reply({ pushes: [{ session: next.number, messages: Buffer.from('its own') }] });
  expect([old.pushed, next.pushed]).toEqual([[], ['its own']]);
});
