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
