import { SeededRandom } from '@holdfast/common/testing';
import { MemoryStorage, MutationWriter } from '@holdfast/storage';
import { describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

function client(dialect: 2 | 3 = 3): TestClient {
  return new LocalServer().client(dialect);
}

/** `1 a 2 b` of a sorted set. */
function entries(c: TestClient, key = 'z'): string {
  return (c.line(`ZRANGE ${key} 0 -1 WITHSCORES`) as unknown[]).flat().join(' ');
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
