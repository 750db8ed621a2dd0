/** What leaves for a gateway in which order, as commits allow. */
import type { Coordinator } from '@holdfast/coord';
import { messageBytesMax, node } from '@holdfast/rpc';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../resp/buffer-pool.js';
import { entryKinds, Outbox } from './outbox.js';
import type { NodeSession } from './session.js';
import type { Shard } from './shard.js';

class Sender {
  readonly coordinator = { committedVersion: 0, fateOf: () => 'committed' };
  readonly shard = { coordinator: this.coordinator as unknown as Coordinator } as Shard;
  /** Bytes of the longest message. */
  longest = 0;
  #sent: number[] = [];
  readonly #outbox = new Outbox({
    pool: new BufferPool(),
    send: (bytes, length) => {
      const { replies } = node.ForwardResponse.decode(bytes.subarray(0, length));
      this.longest = Math.max(this.longest, length);
      this.#sent.push(...replies.map(({ id }) => id));
    },
  });

  session(): NodeSession {
    return { shard: this.shard, session: { dependsOn: 0 }, heldEntries: 0 } as unknown as NodeSession;
  }

  /** A run of a session is answered, and depends on a version. */
  reply(session: NodeSession, run: number, version: number, value = Buffer.alloc(0)): void {
    session.session.dependsOn = version;
    const { out } = this.#outbox;
    const start = out.begin(run);
    out.bulk(value, 0, value.length);
    out.end(1, 0, 0, false);
    this.#outbox.add(entryKinds.replies, session, run, 1, start, version);
  }

  endTurn(): number[] {
    this.#outbox.flush();
    return this.#take();
  }

  commit(version: number): number[] {
    this.coordinator.committedVersion = version;
    this.#outbox.release(this.shard);
    return this.#take();
  }

  loseLead(): number[] {
    this.#outbox.revoke(this.shard);
    return this.#take();
  }

  #take(): number[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }
}

describe('an outbox', () => {
  it('sends what is committed, and the rest when that is', () => {
    const sender = new Sender();
    const [a, b] = [sender.session(), sender.session()];
    sender.reply(a, 1, 5);
    sender.reply(b, 2, 0);
    expect(sender.endTurn()).toEqual([2]);
    sender.reply(b, 3, 6);
    expect(sender.endTurn()).toEqual([]);
    expect(sender.commit(6)).toEqual([1, 3]);
  });

  it('let a reply overtake one of its session that waited with others, when a commit ended within their turn', () => {
    const sender = new Sender();
    const [a, b] = [sender.session(), sender.session()];
    sender.reply(a, 1, 5);
    sender.reply(b, 2, 7);
    expect(sender.endTurn()).toEqual([]);
    expect(sender.commit(5)).toEqual([]);
    sender.reply(a, 3, 5);
    expect(sender.endTurn()).toEqual([]);
    // Another one holds nothing back.
    sender.reply(sender.session(), 4, 5);
    expect(sender.endTurn()).toEqual([4]);
    expect(sender.commit(7)).toEqual([1, 2, 3]);
    sender.reply(a, 5, 5);
    expect(sender.endTurn()).toEqual([5]);
  });

  it('sent what was committed when the lead was lost as one message, longer than any may be', () => {
    const sender = new Sender();
    const value = Buffer.alloc(40 * 1024 * 1024);
    for (const [i, session] of [sender.session(), sender.session(), sender.session()].entries()) {
      sender.reply(session, i, 5 + i, value);
      expect(sender.endTurn()).toEqual([]);
    }
    expect(sender.loseLead()).toEqual([0, 1, 2]);
    expect(sender.longest).toBeLessThan(messageBytesMax);
  });
});
