import { SeededRandom } from '@holdfast/common/testing';
import { MemoryStorage, MutationWriter, SetValue } from '@holdfast/storage';
import { describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

function client(dialect: 2 | 3 = 3): TestClient {
  return new LocalServer().client(dialect);
}

/** `1 a 2 b` of a sorted set. */
function entries(c: TestClient, key = 'z'): string {
  return (c.line(`ZRANGE ${key} 0 -1 WITHSCORES`) as unknown[]).flat().join(' ');
}

/** A plain set, made without a command. */
function putSet({ storage }: LocalServer, name: string, members: readonly string[]): void {
  const db = storage.database(0);
  const set = new SetValue(db);
  const key = Buffer.from(name);
  db.find(key, 0, key.length);
  db.putCollection(key, 0, key.length, set);
  for (const member of members) set.add(Buffer.from(member), 0, member.length);
}

const error = (message: string) => new Error(`ERR ${message}`);
const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');

describe('ZADD', () => {
  it('adds members and updates scores, and counts what was added', () => {
    const c = client();
    expect(c.line('ZADD z 3 c 1 a 2 b')).toBe(3);
    expect(c.line('ZADD z 5 a 6 d')).toBe(1);
    expect(c.line('ZADD z CH 5 a 7 d 8 e')).toBe(2);
    expect(c.line('ZADD z 1 x 2 x 3 x')).toBe(1);
    expect(entries(c)).toBe('b 2 c 3 x 3 a 5 d 7 e 8');
  });

  it('obeys NX, XX, GT and LT', () => {
    const c = client();
    c.line('ZADD z 5 a');
    expect(c.line('ZADD z NX CH 9 a 1 b')).toBe(1);
    expect(c.line('ZADD z XX CH 6 a 1 none')).toBe(1);
    expect(c.line('ZADD z GT CH 4 a')).toBe(0);
    expect(c.line('ZADD z GT CH 7 a 3 c')).toBe(2);
    expect(c.line('ZADD z LT CH 8 a')).toBe(0);
    expect(c.line('ZADD z XX LT CH 2 a 3 none')).toBe(1);
    expect(entries(c)).toBe('b 1 a 2 c 3');
    expect(c.line('ZADD none XX 1 a')).toBe(0);
    expect(c.line('EXISTS none')).toBe(0);
  });

  it('increments with INCR, and answers null when a rule forbids it', () => {
    const c = client();
    expect(c.line('ZADD z INCR 5 a')).toBe(5);
    expect(c.line('ZADD z CH INCR 2.5 a')).toBe(7.5);
    expect(c.line('ZADD z NX INCR 1 a')).toBeNull();
    expect(c.line('ZADD z XX INCR 1 none')).toBeNull();
    expect(c.line('ZADD none XX INCR 1 a')).toBeNull();
    expect(c.line('ZADD z GT INCR -1 a')).toBeNull();
    expect(c.line('ZADD z LT INCR -1 a')).toBe(6.5);
    expect(c.line('ZADD z inf i')).toBe(1);
    expect(c.line('ZADD z INCR -inf i')).toEqual(error('resulting score is not a number (NaN)'));
    expect(entries(c)).toBe('a 6.5 i Infinity');
  });

  it.each([
    ['ZADD z 1', "wrong number of arguments for 'zadd' command"],
    ['ZADD z NX XX 1', 'syntax error'],
    ['ZADD z FOO 1 a', 'syntax error'],
    ['ZADD z CH INCR', 'syntax error'],
    ['ZADD z NX XX x a', 'XX and NX options at the same time are not compatible'],
    ['ZADD z NX GT x a', 'GT, LT, and/or NX options at the same time are not compatible'],
    ['ZADD z LT NX 1 a', 'GT, LT, and/or NX options at the same time are not compatible'],
    ['ZADD z GT LT 1 a', 'GT, LT, and/or NX options at the same time are not compatible'],
    ['ZADD z INCR 1 a x b', 'INCR option supports a single increment-element pair'],
    ['ZADD z 1 a x b', 'value is not a valid float'],
    ['ZADD z nan a', 'value is not a valid float'],
    ['ZADD z 1e400 a', 'value is not a valid float'],
  ])('refuses %s', (line, message) => {
    const c = client();
    expect(c.line(line)).toEqual(error(message));
    expect(c.line('EXISTS z')).toBe(0);
  });

  it('takes scores in any form that strtod takes', () => {
    const c = client();
    c.run('ZADD', 'z', '0x10', 'hex', '+inf', 'most', '-INFINITY', 'least', '1e2', 'e', '.5', 'half');
    expect(entries(c)).toBe('least -Infinity half 0.5 hex 16 e 100 most Infinity');
  });

  it('writes nothing when nothing changes', () => {
    const c = client();
    c.line('ZADD z 1 a');
    const version = c.session.keyVersion;
    expect(c.line('ZADD z 1 a')).toBe(0);
    expect(c.session.keyVersion).toBe(version);
    expect(c.line('ZINCRBY z 0 a')).toBe(1);
    expect(c.session.keyVersion).toBe(version);
    expect(c.line('ZREM z none')).toBe(0);
    expect(c.session.keyVersion).toBe(version);
  });

  it('keeps members of any bytes, and refuses those that are too long before it adds others', () => {
    const c = client(2);
    c.run('ZADD', 'z', '0', '', '0', '\0', '0', Buffer.from([255]));
    expect(c.line('ZRANGE z 0 -1')).toEqual(['', '\0', '\xff']);
    expect(c.run('ZADD', 'y', '1', 'a', '2', 'x'.repeat(1 << 20))).toBeInstanceOf(Error);
    expect(c.line('EXISTS y')).toBe(0);
  });

  it('replies scores as doubles to those who know them, as bulks to others', () => {
    const server = new LocalServer();
    server.client(3).line('ZADD z 1.5 a inf b');
    expect(server.client(2).line('ZMSCORE z a b none')).toEqual([1.5, Number.POSITIVE_INFINITY, null]);
    expect(server.client(3).line('ZRANGE z 0 -1 WITHSCORES')).toEqual([
      ['a', 1.5],
      ['b', Number.POSITIVE_INFINITY],
    ]);
    expect(server.client(2).line('ZRANGE z 0 0 WITHSCORES')).toEqual(['a', 1.5]);
  });
});

describe('ZINCRBY', () => {
  it('creates, adds and refuses', () => {
    const c = client();
    expect(c.line('ZINCRBY z 1.5 a')).toBe(1.5);
    expect(c.line('ZINCRBY z -2 a')).toBe(-0.5);
    expect(c.line('ZINCRBY z x a')).toEqual(error('value is not a valid float'));
    c.line('ZADD z inf a');
    expect(c.line('ZINCRBY z -inf a')).toEqual(error('resulting score is not a number (NaN)'));
    expect(c.line('ZSCORE z a')).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('ZREM', () => {
  it('removes members, and the key with the last one', () => {
    const c = client();
    c.line('ZADD z 1 a 2 b 3 c');
    expect(c.line('ZREM z a none a')).toBe(1);
    expect(c.line('ZREM z b c d')).toBe(2);
    expect(c.line('EXISTS z')).toBe(0);
    expect(c.line('ZREM z a')).toBe(0);
  });
});

describe('ZCARD, ZSCORE, ZMSCORE', () => {
  it('reads what is there', () => {
    const c = client();
    c.line('ZADD z 1 a 2 b');
    expect(c.line('ZCARD z')).toBe(2);
    expect(c.line('ZCARD none')).toBe(0);
    expect(c.line('ZSCORE z b')).toBe(2);
    expect(c.line('ZSCORE z none')).toBeNull();
    expect(c.line('ZSCORE none a')).toBeNull();
    expect(c.line('ZMSCORE z a none')).toEqual([1, null]);
    expect(c.line('ZMSCORE none a b')).toEqual([null, null]);
  });
});

describe('ZRANK, ZREVRANK', () => {
  it('counts from either end, with the score if asked', () => {
    const c = client();
    c.line('ZADD z 1 a 2 b 3 c');
    expect(c.line('ZRANK z a')).toBe(0);
    expect(c.line('ZREVRANK z a')).toBe(2);
    expect(c.line('ZRANK z c WITHSCORE')).toEqual([2, 3]);
    expect(c.line('ZREVRANK z c WITHSCORE')).toEqual([0, 3]);
    expect(c.line('ZRANK z none')).toBeNull();
    expect(c.line('ZRANK none a WITHSCORE')).toBeNull();
    expect(c.line('ZRANK z a FOO')).toEqual(error('syntax error'));
    expect(c.line('ZRANK z a WITHSCORE x')).toEqual(error("wrong number of arguments for 'zrank' command"));
  });

  it.each([100, 5000])('knows the rank of each of %i members', (count) => {
    const c = client();
    for (let i = 0; i < count; i++) c.run('ZADD', 'z', (i * 7919) % count, `m${(i * 7919) % count}`);
    for (let i = 0; i < count; i += 37) {
      expect(c.run('ZRANK', 'z', `m${i}`)).toBe(i);
      expect(c.run('ZREVRANK', 'z', `m${i}`)).toBe(count - 1 - i);
      expect(c.run('ZRANGE', 'z', i, i)).toEqual([`m${i}`]);
    }
  });
});

describe('ZRANGE', () => {
  it.each([
    ['0 -1', 'a b c d e'],
    ['1 2', 'b c'],
    ['-2 -1', 'd e'],
    ['3 1', ''],
    ['10 20', ''],
    ['-100 1', 'a b'],
    ['-3 -100', ''],
    ['0 9223372036854775807', 'a b c d e'],
    ['0 1 REV', 'e d'],
    ['-1 -1 REV', 'a'],
    ['1 3 BYSCORE', 'a b c d'],
    ['(1 (3 BYSCORE', 'd'],
    ['( 1 BYSCORE', 'a b c'],
    ['-inf +inf BYSCORE', 'a b c d e'],
    ['(-inf (+inf BYSCORE', 'a b c d e'],
    ['3 1 BYSCORE', ''],
    ['3 1 BYSCORE REV', 'd c b a'],
    ['(3 1 BYSCORE REV LIMIT 0 2', 'd c'],
    ['1 3 BYSCORE LIMIT 1 2', 'b c'],
    ['1 3 BYSCORE LIMIT 1 -1', 'b c d'],
    ['1 3 BYSCORE LIMIT 9 1', ''],
    ['1 3 BYSCORE LIMIT -1 1', ''],
    ['1 3 BYSCORE LIMIT 0 0', ''],
    ['3 1 BYSCORE REV LIMIT 1 2', 'c b'],
    ['0 1 LIMIT 0 -1', 'a b'],
  ])('%s', (range, members) => {
    const c = client();
    c.line('ZADD z 1 a 1 b 1 c 2.5 d 4 e');
    expect((c.line(`ZRANGE z ${range}`) as string[]).join(' ')).toBe(members);
    if (range.includes('LIMIT 0 -1')) return;
    c.line(`ZRANGESTORE d z ${range}`);
    expect(c.line('ZCARD d')).toBe(members === '' ? 0 : members.split(' ').length);
  });

  it.each([
    ['- +', 'a aa b bb c'],
    ['+ -', ''],
    ['[a (b', 'a aa'],
    ['(a [b', 'aa b'],
    ['(a (aa', ''],
    ['[bb +', 'bb c'],
    ['- [zz', 'a aa b bb c'],
    ['[ [b', 'a aa b'],
    ['- + LIMIT 1 2', 'aa b'],
  ])('%s BYLEX', (range, members) => {
    const c = client();
    c.line('ZADD z 0 b 0 a 0 c 0 aa 0 bb');
    expect(
      (
        c.line(
          `ZRANGE z ${range.replace('LIMIT', 'BYLEX LIMIT')}${range.includes('LIMIT') ? '' : ' BYLEX'}`,
        ) as string[]
      ).join(' '),
    ).toBe(members);
    expect((c.line(`ZRANGEBYLEX z ${range}`) as string[]).join(' ')).toBe(members);
    const [low, high, ...limit] = range.split(' ');
    if (limit.length > 0) return;
    expect((c.line(`ZREVRANGEBYLEX z ${high} ${low}`) as string[]).reverse().join(' ')).toBe(members);
    expect(c.line(`ZLEXCOUNT z ${low} ${high}`)).toBe(members === '' ? 0 : members.split(' ').length);
  });

  it.each([
    ['ZRANGE z 0 x', 'value is not an integer or out of range'],
    [
      'ZRANGE z 0 1 LIMIT 0 1',
      'syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
    ],
    ['ZRANGE z 0 1 BYLEX WITHSCORES', 'syntax error, WITHSCORES not supported in combination with BYLEX'],
    ['ZRANGE z 0 1 BYSCORE BYLEX', 'syntax error'],
    ['ZRANGE z 0 1 BYSCORE BYSCORE', 'syntax error'],
    ['ZRANGE z 0 1 REV REV', 'syntax error'],
    ['ZRANGE z 0 1 BYSCORE LIMIT 1', 'syntax error'],
    ['ZRANGE z 0 1 BYSCORE LIMIT x 1', 'value is not an integer or out of range'],
    ['ZRANGE z (x 1 BYSCORE', 'min or max is not a float'],
    ['ZRANGE z nan 1 BYSCORE', 'min or max is not a float'],
    ['ZRANGE z a [b BYLEX', 'min or max not valid string range item'],
    ['ZRANGE z -- [b BYLEX', 'min or max not valid string range item'],
    ['ZRANGESTORE d z 0 1 WITHSCORES', 'syntax error'],
    ['ZREVRANGE z 0 1 FOO', 'syntax error'],
    ['ZCOUNT z x 1', 'min or max is not a float'],
    ['ZLEXCOUNT z x 1', 'min or max not valid string range item'],
  ])('%s is an error', (line, message) => {
    expect(client().line(line)).toEqual(error(message));
  });

  it('has older forms', () => {
    const c = client(2);
    c.line('ZADD z 1 a 2 b 3 c');
    expect(c.line('ZREVRANGE z 0 1 WITHSCORES')).toEqual(['c', 3, 'b', 2]);
    expect(c.line('ZRANGEBYSCORE z (1 +inf WITHSCORES LIMIT 0 1')).toEqual(['b', 2]);
    expect(c.line('ZREVRANGEBYSCORE z 2 -inf')).toEqual(['b', 'a']);
    expect(c.line('ZCOUNT z (1 3')).toBe(2);
    expect(c.line('ZRANGE none 0 -1')).toEqual([]);
  });
});

describe('ZRANGESTORE', () => {
  it('replaces the target, whatever it was, without its time to live', () => {
    const c = client();
    c.line('ZADD z 1 a 2 b 3 c');
    c.line('SET d v EX 100');
    expect(c.line('ZRANGESTORE d z 1 -1')).toBe(2);
    expect(entries(c, 'd')).toBe('b 2 c 3');
    expect(c.line('TTL d')).toBe(-1);
    expect(c.line('ZRANGESTORE z z 0 0 REV')).toBe(1);
    expect(entries(c)).toBe('c 3');
    expect(c.line('ZRANGESTORE d none 0 -1')).toBe(0);
    expect(c.line('EXISTS d')).toBe(0);
  });

  it('is large when its result is', () => {
    const c = client();
    for (let i = 0; i < 300; i++) c.run('ZADD', 'z', i, `m${i}`);
    c.line('ZRANGESTORE d z 0 127');
    c.line('ZRANGESTORE e z 0 128');
    expect([c.line('OBJECT ENCODING d'), c.line('OBJECT ENCODING e')]).toEqual(['listpack', 'skiplist']);
  });
});

describe('ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX', () => {
  it('removes what lies in the range', () => {
    const c = client();
    c.line('ZADD z 1 a 2 b 3 c 4 d 5 e');
    expect(c.line('ZREMRANGEBYRANK z 0 0')).toBe(1);
    expect(c.line('ZREMRANGEBYSCORE z 3 (4')).toBe(1);
    expect(c.line('ZREMRANGEBYLEX z - (e')).toBe(2);
    expect(entries(c)).toBe('e 5');
    expect(c.line('ZREMRANGEBYRANK z 5 9')).toBe(0);
    expect(c.line('ZREMRANGEBYRANK z x 9')).toEqual(error('value is not an integer or out of range'));
    expect(c.line('ZREMRANGEBYSCORE z -inf +inf')).toBe(1);
    expect(c.line('EXISTS z')).toBe(0);
    expect(c.line('ZREMRANGEBYSCORE z -inf +inf')).toBe(0);
  });
});

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

describe('ZRANDMEMBER', () => {
  it.each([20, 1000])('draws from %i members', (count) => {
    const c = client();
    for (let i = 0; i < count; i++) c.run('ZADD', 'z', i, `m${i}`);
    expect(c.line('ZRANDMEMBER z')).toMatch(/^m\d+$/);
    for (const wanted of [1, 5, count - 1, count, count * 2]) {
      const drawn = c.line(`ZRANDMEMBER z ${wanted} WITHSCORES`) as [string, number][];
      expect(drawn).toHaveLength(Math.min(wanted, count));
      expect(new Set(drawn.map(([member]) => member)).size).toBe(drawn.length);
      for (const [member, score] of drawn) expect(member).toBe(`m${score}`);
    }
    const repeated = c.line(`ZRANDMEMBER z ${-count * 4}`) as string[];
    expect(repeated).toHaveLength(count * 4);
    expect(new Set(repeated).size).toBeLessThanOrEqual(count);
    expect(new Set(repeated).size).toBeGreaterThan(count / 2);
  });

  it('answers what Redis answers to odd counts', () => {
    const c = client();
    expect(c.line('ZRANDMEMBER z')).toBeNull();
    expect(c.line('ZRANDMEMBER z 5')).toEqual([]);
    c.line('ZADD z 1 a');
    expect(c.line('ZRANDMEMBER z 0')).toEqual([]);
    expect(c.line('ZRANDMEMBER z 9223372036854775807')).toEqual(['a']);
    expect(c.line('ZRANDMEMBER z 9223372036854775807 WITHSCORES')).toEqual(error('value is out of range'));
    expect(c.line('ZRANDMEMBER z -9223372036854775808')).toEqual(
      error('value is out of range, value must between -9223372036854775807 and 9223372036854775807'),
    );
    expect(c.line('ZRANDMEMBER z x FOO')).toEqual(error('value is not an integer or out of range'));
    expect(c.line('ZRANDMEMBER z 1 FOO')).toEqual(error('syntax error'));
  });
});

describe('ZUNION, ZINTER, ZDIFF and what stores them', () => {
  function filled(dialect: 2 | 3 = 3): TestClient {
    const server = new LocalServer();
    putSet(server, 's', ['x', 'w', '5']);
    const c = server.client(dialect);
    c.line('ZADD a 1 x 2 y 3 z');
    c.line('ZADD b 10 y 20 z 30 w');
    return c;
  }

  it.each([
    ['ZUNION 2 a b', 'x 1 y 12 z 23 w 30'],
    ['ZUNION 2 a b AGGREGATE MIN', 'x 1 y 2 z 3 w 30'],
    ['ZUNION 2 a b AGGREGATE MAX', 'x 1 y 10 z 20 w 30'],
    ['ZUNION 2 a b WEIGHTS 2 0.5', 'x 2 y 9 w 15 z 16'],
    ['ZUNION 2 a b AGGREGATE MAX WEIGHTS 10 1', 'x 10 y 20 w 30 z 30'],
    ['ZUNION 3 a none s', '5 1 w 1 x 2 y 2 z 3'],
    ['ZUNION 2 a a', 'x 2 y 4 z 6'],
    ['ZUNION 1 none', ''],
    ['ZINTER 2 a b', 'y 12 z 23'],
    ['ZINTER 2 a b WEIGHTS 1 -1', 'z -17 y -8'],
    ['ZINTER 2 a b AGGREGATE MAX', 'y 10 z 20'],
    ['ZINTER 2 a a', 'x 2 y 4 z 6'],
    ['ZINTER 2 a s', 'x 2'],
    ['ZINTER 2 s s', '5 2 w 2 x 2'],
    ['ZINTER 2 a none', ''],
    ['ZDIFF 2 a b', 'x 1'],
    ['ZDIFF 2 b s', 'y 10 z 20'],
    ['ZDIFF 2 s a', '5 1 w 1'],
    ['ZDIFF 1 a', 'x 1 y 2 z 3'],
    ['ZDIFF 2 a a', ''],
    ['ZDIFF 2 none a', ''],
  ])('%s', (line, result) => {
    const c = filled();
    expect((c.line(`${line} WITHSCORES`) as unknown[]).flat().join(' ')).toBe(result);
    expect(c.line(line)).toEqual(result.split(' ').filter((word, i) => i % 2 === 0 && word !== ''));
    const [name, ...rest] = line.split(' ');
    const count = result === '' ? 0 : result.split(' ').length / 2;
    expect(c.line(`${name}STORE d ${rest.join(' ')}`)).toBe(count);
    expect(entries(c, 'd')).toBe(result);
    expect(c.line(`${name}STORE a ${rest.join(' ')}`)).toBe(count);
    expect(entries(c, 'a')).toBe(result);
  });

  it('replies flat in RESP2', () => {
    expect(filled(2).line('ZINTER 2 a b WITHSCORES')).toEqual(['y', 12, 'z', 23]);
  });

  it('makes 0 of what is no number', () => {
    const c = client();
    c.line('ZADD i inf m');
    c.line('ZADD j -inf m');
    expect(c.line('ZUNION 2 i j WITHSCORES')).toEqual([['m', 0]]);
    expect(c.line('ZINTER 2 i j WITHSCORES')).toEqual([['m', 0]]);
    expect(c.line('ZUNION 1 i WEIGHTS 0 WITHSCORES')).toEqual([['m', 0]]);
  });

  it('counts what is in all, up to a limit', () => {
    const c = filled();
    expect(c.line('ZINTERCARD 2 a b')).toBe(2);
    expect(c.line('ZINTERCARD 2 a b LIMIT 1')).toBe(1);
    expect(c.line('ZINTERCARD 2 a b LIMIT 0')).toBe(2);
    expect(c.line('ZINTERCARD 2 a none')).toBe(0);
  });

  it.each([
    ['ZUNION 0 a', "at least 1 input key is needed for 'zunion' command"],
    ['ZUNIONSTORE d 0 a', "at least 1 input key is needed for 'zunionstore' command"],
    ['ZINTERCARD 0 a', "at least 1 input key is needed for 'zintercard' command"],
    ['ZINTER x a', 'value is not an integer or out of range'],
    ['ZINTER 3 a b', 'syntax error'],
    ['ZUNION 2 a b WEIGHTS 1', 'syntax error'],
    ['ZUNION 2 a b WEIGHTS 1 x', 'weight value is not a float'],
    ['ZUNION 2 a b AGGREGATE FOO', 'syntax error'],
    ['ZUNIONSTORE d 2 a b WITHSCORES', 'syntax error'],
    ['ZDIFF 2 a b WEIGHTS 1 2', 'syntax error'],
    ['ZINTERCARD 2 a b LIMIT -1', "LIMIT can't be negative"],
    ['ZINTERCARD 2 a b LIMIT x', "LIMIT can't be negative"],
  ])('%s is an error', (line, message) => {
    expect(filled().line(line)).toEqual(error(message));
  });

  it('removes the target when the result is empty, and replaces it whatever it was', () => {
    const c = filled();
    c.line('SET d v EX 100');
    expect(c.line('ZINTERSTORE d 2 a none')).toBe(0);
    expect(c.line('EXISTS d')).toBe(0);
    c.line('SET d v EX 100');
    expect(c.line('ZUNIONSTORE d 1 a')).toBe(3);
    expect(c.line('TTL d')).toBe(-1);
    expect(c.line('OBJECT ENCODING d')).toBe('listpack');
  });

  it('agrees with simple sums over many members', () => {
    const c = client();
    const random = new SeededRandom(5);
    const inputs = ['a', 'b', 'c'].map((key) => {
      const scores = new Map<string, number>();
      for (let i = 0; i < 600; i++) scores.set(`m${random.uint32() % 900}`, random.uint32() % 100);
      for (const [member, score] of scores) c.run('ZADD', key, score, member);
      return scores;
    });
    const members = [...new Set(inputs.flatMap((scores) => [...scores.keys()]))];
    const sums = members.map((member) => [
      member,
      inputs.reduce((sum, scores) => sum + (scores.get(member) ?? 0), 0),
    ]);
    const inAll = sums.filter(([member]) => inputs.every((scores) => scores.has(member as string)));
    const onlyFirst = [...inputs[0]].filter(([member]) => !inputs[1].has(member) && !inputs[2].has(member));
    const sorted = (pairs: unknown) => [...(pairs as unknown[][])].map((pair) => pair.join(' ')).sort();
    expect(sorted(c.line('ZUNION 3 a b c WITHSCORES'))).toEqual(sorted(sums));
    expect(sorted(c.line('ZINTER 3 a b c WITHSCORES'))).toEqual(sorted(inAll));
    expect(sorted(c.line('ZDIFF 3 a b c WITHSCORES'))).toEqual(sorted(onlyFirst));
    expect(c.line('ZINTERCARD 3 a b c')).toBe(inAll.length);
    expect(c.line('ZUNIONSTORE d 3 a b c')).toBe(sums.length);
    expect(c.line('OBJECT ENCODING d')).toBe('skiplist');
  });
});

describe('ZSCAN', () => {
  it('returns all members of a small set at once', () => {
    const c = client(2);
    c.line('ZADD z 1 a 2.5 b 3 ab');
    expect(c.line('ZSCAN z 0 COUNT 1')).toEqual(['0', ['a', '1', 'b', '2.5', 'ab', '3']]);
    expect(c.line('ZSCAN z 0 MATCH a*')).toEqual(['0', ['a', '1', 'ab', '3']]);
    expect(c.line('ZSCAN none 0')).toEqual(['0', []]);
    expect(c.line('ZSCAN z x')).toEqual(error('invalid cursor'));
    expect(c.line('ZSCAN z 0 COUNT 0')).toEqual(error('syntax error'));
    expect(c.line('ZSCAN z 0 COUNT x')).toEqual(error('value is not an integer or out of range'));
    expect(c.line('ZSCAN z 0 FOO')).toEqual(error('syntax error'));
  });

  it('returns every member of a large set in some steps', () => {
    const c = client();
    for (let i = 0; i < 2000; i++) c.run('ZADD', 'z', i, `m${i}`);
    const seen = new Set<string>();
    let position = '0';
    let steps = 0;
    do {
      const [next, found] = c.line(`ZSCAN z ${position} COUNT 50`) as [string, string[]];
      for (let i = 0; i < found.length; i += 2) {
        expect(found[i]).toBe(`m${found[i + 1]}`);
        seen.add(found[i]);
      }
      position = next;
      steps++;
    } while (position !== '0');
    expect(seen.size).toBe(2000);
    expect(steps).toBeGreaterThan(10);
  });
});

describe('sorted sets', () => {
  it('looks at the keys before the options where Redis does', () => {
    const c = client();
    c.line('SET s v');
    expect(c.line('ZUNION 2 none s FOO')).toEqual(wrongType);
    expect(c.line('ZINTERSTORE d 1 s WEIGHTS x')).toEqual(wrongType);
    expect(c.line('ZINTERCARD 1 s LIMIT x')).toEqual(wrongType);
    expect(c.line('ZSCAN s 0 FOO')).toEqual(wrongType);
    expect(c.line('ZSCAN none 0 FOO')).toEqual(['0', []]);
    expect(c.line('ZUNION 1 none FOO')).toEqual(error('syntax error'));
  });

  it('refuses keys of other types', () => {
    const c = client();
    c.line('SET s v');
    c.line('ZADD z 1 a');
    for (const line of [
      'ZADD s 1 a',
      'ZINCRBY s 1 a',
      'ZREM s a',
      'ZSCORE s a',
      'ZMSCORE s a',
      'ZCARD s',
      'ZCOUNT s 0 1',
      'ZLEXCOUNT s - +',
      'ZRANK s a',
      'ZREVRANK s a',
      'ZRANGE s 0 1',
      'ZRANGEBYSCORE s 0 1',
      'ZRANGEBYLEX s - +',
      'ZREVRANGE s 0 1',
      'ZRANGESTORE z s 0 1',
      'ZREMRANGEBYRANK s 0 1',
      'ZREMRANGEBYSCORE s 0 1',
      'ZREMRANGEBYLEX s - +',
      'ZPOPMIN s',
      'ZPOPMAX s 0',
      'BZPOPMIN s 0',
      'BZPOPMAX none s 0',
      'ZMPOP 2 none s MIN',
      'BZMPOP 0 1 s MIN',
      'ZRANDMEMBER s',
      'ZUNION 2 z s',
      'ZINTER 2 none s',
      'ZDIFF 1 s',
      'ZUNIONSTORE z 1 s',
      'ZINTERSTORE z 1 s',
      'ZDIFFSTORE z 1 s',
      'ZINTERCARD 1 s',
      'ZSCAN s 0',
    ]) {
      expect([line, c.line(line)]).toEqual([line, wrongType]);
    }
    expect(entries(c)).toBe('a 1');
  });

  it('follows the limits of the configuration', () => {
    const server = new LocalServer();
    const c = server.client();
    try {
      c.line('CONFIG SET zset-max-ziplist-entries 2');
      c.line('ZADD z 1 a 2 b');
      expect(c.line('OBJECT ENCODING z')).toBe('listpack');
      c.line('ZADD z 3 c');
      expect(c.line('OBJECT ENCODING z')).toBe('skiplist');
      c.line('ZADD y 1 a 2 a 3 a');
      expect(c.line('OBJECT ENCODING y')).toBe('skiplist');
    } finally {
      c.line('CONFIG SET zset-max-listpack-entries 128');
    }
  });

  it('publishes what happens to keys', () => {
    const server = new LocalServer();
    const [listener, c] = [server.client(3), server.client(3)];
    c.line('CONFIG SET notify-keyspace-events Ezgx');
    listener.line('PSUBSCRIBE __keyevent@0__:*');
    const events = () => {
      const heard: string[] = [];
      for (let message = listener.take(); message !== undefined; message = listener.take()) {
        const [, , channel, key] = message as string[];
        heard.push(`${channel.slice(15)} ${key}`);
      }
      return heard;
    };
    events();
    for (const [line, ...heard] of [
      ['ZADD z 1 a 2 b 3 c 4 d 5 e', 'zadd z'],
      ['ZADD z 1 a'],
      ['ZADD z XX INCR 1 a', 'zincr z'],
      ['ZINCRBY z 1 a', 'zincr z'],
      ['ZREM z none'],
      ['ZREM z a', 'zrem z'],
      ['ZUNIONSTORE u 1 z', 'zunionstore u'],
      ['ZINTERSTORE u 1 z', 'zinterstore u'],
      ['ZDIFFSTORE u 1 z', 'zdiffstore u'],
      ['ZRANGESTORE u z 0 -1', 'zrangestore u'],
      ['ZRANGESTORE u none 0 -1', 'del u'],
      ['ZPOPMIN z', 'zpopmin z'],
      ['BZPOPMAX z 0', 'zpopmax z'],
      ['ZREMRANGEBYRANK z 0 0', 'zremrangebyrank z'],
      ['ZREMRANGEBYSCORE z -inf inf', 'zremrangebyscore z', 'del z'],
      ['ZADD z 1 a', 'zadd z'],
      ['ZREM z a', 'zrem z', 'del z'],
      ['ZADD z 1 a', 'zadd z'],
      ['ZMPOP 1 z MAX', 'zpopmax z', 'del z'],
    ]) {
      c.line(line);
      expect([line, ...events()]).toEqual([line, ...heard]);
    }
  });

  it('writes mutations from which another server builds the same', () => {
    const journal = new MutationWriter();
    const server = new LocalServer();
    server.storage.journal = journal;
    const c = server.client();
    for (let i = 0; i < 200; i++) c.run('ZADD', 'big', i % 10, `m${i}`);
    for (const line of [
      'ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g',
      'ZINCRBY z 10 a',
      'ZREM z b',
      'ZPOPMIN z',
      'ZPOPMAX z',
      'ZREMRANGEBYRANK z 0 0',
      'ZADD u 9 old',
      'ZUNIONSTORE u 2 z big',
      'ZRANGESTORE v big 5 150',
      'ZREMRANGEBYSCORE big 2 5',
      'ZREMRANGEBYSCORE big 9 9',
      'ZPOPMAX big 20',
      'ZADD gone 1 a',
      'ZPOPMIN gone',
      'ZINTERSTORE z 2 z z',
    ]) {
      c.line(line);
    }
    const replica = new MemoryStorage(new SeededRandom(2));
    replica.apply(journal.bytes.subarray(0, journal.length), 0);
    replica.apply(journal.bytes.subarray(0, journal.length), 0);
    const copy = new LocalServer(1, replica).client();
    for (const key of ['z', 'u', 'v', 'big', 'gone']) expect(entries(copy, key)).toBe(entries(c, key));
    expect(copy.line('DBSIZE')).toBe(4);
  });
});
