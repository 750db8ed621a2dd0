import { describe, expect, it } from 'vitest';
import { BufferPool } from './buffer-pool.js';
import { RespReply } from './reply.js';

describe('BufferPool', () => {
  it('hands out every piece of a slab before the next one, and none of them twice', () => {
    const pool = new BufferPool();
    const taken = Array.from({ length: 300 }, () => pool.take(40));
    expect(new Set(taken.map(({ buffer }) => buffer)).size).toBe(3);
    expect(
      new Set(
        taken.map(({ buffer, byteOffset }) => `${taken.findIndex((t) => t.buffer === buffer)} ${byteOffset}`),
      ).size,
    ).toBe(300);
  });

  it('hands out again what came back, by size', () => {
    const pool = new BufferPool();
    const [small, large] = [pool.take(512), pool.take(513)];
    expect([small.length, large.length]).toEqual([512, 16 * 1024]);
    pool.give(small);
    pool.give(large);
    expect([pool.take(1), pool.take(16 * 1024)]).toEqual([small, large]);
    const own = pool.take(20_000);
    expect(own).toHaveLength(20_000);
    pool.give(own);
    expect(pool.take(20_000)).not.toBe(own);
    const grown = pool.take(32 * 1024);
    pool.give(grown);
    expect(pool.take(32 * 1024)).toBe(grown);
  });
});

describe('the buffer of a reply', () => {
  const sent = (reply: RespReply, bytes: number): void => {
    reply.bulk(Buffer.alloc(bytes), 0, bytes);
    reply.consume(reply.length, false);
  };

  it('is as large as what was sent last needed, and no larger than the large ones of the pool', () => {
    const reply = new RespReply(new BufferPool());
    reply.ok();
    expect(reply.bytes).toHaveLength(512);
    sent(reply, 100_000);
    reply.ok();
    expect(reply.bytes).toHaveLength(16 * 1024);
    reply.consume(reply.length, false);
    reply.ok();
    expect(reply.bytes).toHaveLength(512);
  });
});
