import { describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

function client(dialect: 2 | 3 = 3): TestClient {
  return new LocalServer().client(dialect);
}

const error = (message: string) => new Error(`ERR ${message}`);

describe('ZPOPMIN, ZPOPMAX, ZMPOP', () => {
  it('takes from either end', () => {
    const c = client();
    c.line('ZADD z 1 a 2 b 3 c 4 d 5 e');
    expect(c.line('ZPOPMIN z')).toEqual(['a', 1]);
    expect(c.line('ZPOPMAX z 2')).toEqual([
      ['e', 5],
      ['d', 4],
    ]);
    expect(c.line('ZPOPMIN z 0')).toEqual([]);
    expect(c.line('ZMPOP 2 none z MAX COUNT 10')).toEqual([
      'z',
      [
        ['c', 3],
        ['b', 2],
      ],
    ]);
    expect(c.line('EXISTS z')).toBe(0);
    expect(c.line('ZPOPMIN z')).toEqual([]);
    expect(c.line('ZMPOP 1 z MIN')).toBeNull();
  });

  it('replies flat in RESP2', () => {
    const c = client(2);
    c.line('ZADD z 1 a 2 b 3 c');
    expect(c.line('ZPOPMIN z 2')).toEqual(['a', 1, 'b', 2]);
    expect(c.line('ZMPOP 1 z MIN')).toEqual(['z', [['c', 3]]]);
  });

  it.each([
    ['ZPOPMIN z x', 'value is out of range, must be positive'],
    ['ZPOPMIN z -1', 'value is out of range, must be positive'],
    ['ZPOPMIN z x y', 'syntax error'],
    ['ZMPOP x z MIN', 'numkeys should be greater than 0'],
    ['ZMPOP 0 z MIN', 'numkeys should be greater than 0'],
    ['ZMPOP 2 z MIN', 'syntax error'],
    ['ZMPOP 1 z FOO', 'syntax error'],
    ['ZMPOP 1 z MIN COUNT 0', 'count should be greater than 0'],
    ['ZMPOP 1 z MIN COUNT 1 COUNT 1', 'syntax error'],
    ['BZMPOP x 1 z MIN COUNT 0', 'count should be greater than 0'],
    ['BZMPOP x 1 z MIN', 'timeout is not a float or out of range'],
    ['BZPOPMIN z -1', 'timeout is negative'],
  ])('%s is an error', (line, message) => {
    expect(client().line(line)).toEqual(error(message));
  });
});

describe('BZPOPMIN, BZPOPMAX, BZMPOP', () => {
  it('takes at once what is there', () => {
    const c = client();
    c.line('ZADD z 1 a 2 b 3 c');
    expect(c.line('BZPOPMIN none z 0')).toEqual(['z', 'a', 1]);
    expect(c.line('BZPOPMAX z 0')).toEqual(['z', 'c', 3]);
    expect(c.line('BZMPOP 0 1 z MIN')).toEqual(['z', [['b', 2]]]);
  });

  it('waits for a member, the oldest first', () => {
    const server = new LocalServer();
    const [first, second, third, writer] = [
      server.client(3),
      server.client(3),
      server.client(3),
      server.client(3),
    ];
    expect(first.line('BZPOPMIN a b 0')).toBeUndefined();
    expect(second.line('BZPOPMAX b 0')).toBeUndefined();
    expect(third.line('BZMPOP 0 2 x b MIN COUNT 5')).toBeUndefined();
    writer.line('ZADD b 1 m');
    expect(first.take()).toEqual(['b', 'm', 1]);
    expect(second.take()).toBeUndefined();
    writer.line('ZADD b 1 m 2 n 3 o');
    expect(second.take()).toEqual(['b', 'o', 3]);
    expect(third.take()).toEqual([
      'b',
      [
        ['m', 1],
        ['n', 2],
      ],
    ]);
    expect(writer.line('EXISTS b')).toBe(0);
  });

  it('is served by whatever makes a sorted set', () => {
    const server = new LocalServer();
    const [waiter, writer] = [server.client(3), server.client(3)];
    for (const [line, reply] of [
      ['ZINCRBY z 2 a', ['z', 'a', 2]],
      ['ZUNIONSTORE z 1 other', ['z', 'm', 1]],
      ['ZRANGESTORE z other 0 -1', ['z', 'm', 1]],
      ['RENAME other z', ['z', 'm', 1]],
    ] as const) {
      writer.line('ZADD other 1 m');
      expect(waiter.line('BZPOPMIN z 0')).toBeUndefined();
      writer.line('SET z string');
      writer.line('DEL z');
      writer.line(line);
      expect(waiter.take()).toEqual(reply);
    }
  });

  it('gives up when the time is over', () => {
    const server = new LocalServer();
    const c = server.client(2);
    expect(c.line('BZPOPMIN z 0.1')).toBeUndefined();
    server.env.advance(99);
    expect(c.take()).toBeUndefined();
    server.env.advance(1);
    expect(c.take()).toBeNull();
    expect(c.line('BZMPOP 0.1 1 z MAX')).toBeUndefined();
    server.env.advance(100);
    expect(c.take()).toBeNull();
  });

  it('does not wait in a transaction', () => {
    const c = client();
    c.line('MULTI');
    c.line('BZPOPMIN z 0');
    c.line('BZMPOP 0 1 z MIN');
    expect(c.line('EXEC')).toEqual([null, null]);
  });
});
