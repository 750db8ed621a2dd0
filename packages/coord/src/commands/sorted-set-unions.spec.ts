import { SeededRandom } from '@holdfast/common/testing';
import { SetValue } from '@holdfast/storage';
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
