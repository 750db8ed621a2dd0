import { ValueReply } from '@holdfast/common';
import { describe, expect, it } from 'vitest';
import { HeldReply } from './held-reply.js';

describe('a reply that is held', () => {
  it('is written when its turn has come', () => {
    const held = new HeldReply(3);
    held.array(2);
    held.bulk(Buffer.from('(value)'), 1, 5);
    held.integer(7);
    expect(held.bytes).toBeGreaterThan(5);
    const reply = new ValueReply(3);
    held.replay(reply);
    expect(reply.take()).toEqual([Buffer.from('value'), 7]);
    expect(held.isEmpty).toBe(true);
  });

  it('was kept however long it was: what a transaction says had a gateway out of memory', () => {
    const held = new HeldReply(3, 1000);
    held.array(3);
    held.bulk(Buffer.alloc(500), 0, 500);
    expect(held.isEmpty).toBe(false);
    held.bulk(Buffer.alloc(500), 0, 500);
    held.integer(1);
    expect(held.isEmpty).toBe(true);
    const reply = new ValueReply(3);
    held.replay(reply);
    expect(reply.take()).toMatchObject({ code: 'LIMIT' });
  });
});
