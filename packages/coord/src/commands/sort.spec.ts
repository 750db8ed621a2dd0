import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
const syntaxError = new Error('ERR syntax error');
const notAnInteger = new Error('ERR value is not an integer or out of range');
const notAScore = new Error("ERR One or more scores can't be converted into double");

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
  c.line('RPUSH l 3 1 10 2');
  c.line('MSET w_1 4 w_2 3 w_3 2 n_1 one n_2 two');
  c.line('HSET o_1 f ten g x');
});

/** Each line's command has the reply beside it. */
describe('SORT', () => {
  it('sorts lists, sets and sorted sets by number or by bytes', () => {
    c.expectReplies([
      ['SORT l', ['1', '2', '3', '10']],
      ['SORT l DESC', ['10', '3', '2', '1']],
      ['SORT l ALPHA', ['1', '10', '2', '3']],
      ['SORT l ALPHA DESC ASC', ['1', '10', '2', '3']],
      ['SADD s 5 -1 3.5 inf', 4],
      ['SORT s', ['-1', '3.5', '5', 'inf']],
      ['SADD ints 20 3 100', 3],
      ['SORT ints DESC', ['100', '20', '3']],
      ['ZADD z 1 9 2 8 3 7', 3],
      ['SORT z', ['7', '8', '9']],
      ['SORT missing', []],
    ]);
  });

  it('sorts nothing but integers as numbers, and what is more than those as elements', () => {
    const numbers = Array.from({ length: 500 }, (_, i) => String(((i * 7919) % 501) - 250));
    const sorted = [...numbers].sort((a, b) => Number(a) - Number(b));
    c.ask(['RPUSH', 'n', ...numbers, '0']);
    sorted.splice(sorted.indexOf('0'), 0, '0');
    expect(c.line('SORT n')).toEqual(sorted);
    expect(c.line('SORT n DESC LIMIT 2 3')).toEqual([...sorted].reverse().slice(2, 5));
    expect(c.line('SORT n LIMIT 600 3')).toEqual([]);
    expect(c.line('SORT n STORE stored')).toBe(501);
    expect(c.line('LRANGE stored 0 -1')).toEqual(sorted);
    c.expectReplies([
      ['ZADD z 1 30 2 -4 3 5', 3],
      ['SORT z', ['-4', '5', '30']],
      ['RPUSH more 9007199254740993 9007199254740992 9223372036854775807 02 -0 2', 6],
      ['SORT more', ['-0', '02', '2', '9007199254740992', '9007199254740993', '9223372036854775807']],
      ['RPUSH wrong 1 2 x', 3],
      ['SORT wrong', notAScore],
    ]);
  });

  it('cuts out a part of the result', () => {
    c.expectReplies([
      ['SORT l LIMIT 1 2', ['2', '3']],
      ['SORT l LIMIT 0 0', []],
      ['SORT l LIMIT -5 1', ['1']],
      ['SORT l LIMIT 3 -1', ['10']],
      ['SORT l LIMIT 9 5', []],
      ['SORT l DESC LIMIT 0 2', ['10', '3']],
      ['SORT l BY nosort LIMIT 1 2', ['1', '10']],
      ['SORT l BY nosort DESC LIMIT 1 2', ['10', '1']],
    ]);
  });

  it('sorts by what other keys hold, and gets what others hold', () => {
    c.expectReplies([
      ['SORT l BY w_*', ['10', '3', '2', '1']],
      ['SORT l BY w_* GET # GET n_* LIMIT 2 2', ['2', 'two', '1', 'one']],
      [
        'SORT l GET o_*->f GET o_*->none GET o_*',
        ['ten', null, null, null, null, null].concat(Array(6).fill(null)),
      ],
      ['SORT l BY o_*->f ALPHA LIMIT 3 1', ['1']],
      ['SORT l GET n', [null, null, null, null]],
      ['SORT l BY n_*', notAScore],
      ['SORT l BY l_*->', ['1', '10', '2', '3']],
    ]);
  });

  it('leaves the order alone for a pattern without a star', () => {
    c.expectReplies([
      ['SORT l BY nosort', ['3', '1', '10', '2']],
      ['SORT l BY nosort DESC', ['2', '10', '1', '3']],
      ['SORT l BY nosort BY w_*', ['3', '1', '10', '2']],
      ['ZADD z 1 b 2 a 3 c', 3],
      ['SORT z BY nosort', ['b', 'a', 'c']],
      ['SORT z BY nosort DESC LIMIT 0 2', ['c', 'a']],
      ['SORT z BY nosort LIMIT 1 -1', ['a', 'c']],
    ]);
  });

  it('orders what it stores of a set, whose order means nothing', () => {
    c.line('SADD s zz b a x');
    c.expectReplies([
      ['SORT s BY nosort STORE d', 4],
      ['LRANGE d 0 -1', ['a', 'b', 'x', 'zz']],
      ['SORT s BY nosort STORE d LIMIT 1 2 DESC', 2],
      ['LRANGE d 0 -1', ['x', 'b']],
    ]);
  });

  it('stores its result as a list, or removes what was there', () => {
    c.expectReplies([
      ['SORT l STORE d', 4],
      ['LRANGE d 0 -1', ['1', '2', '3', '10']],
      ['OBJECT ENCODING d', 'listpack'],
      ['SORT l GET n_* STORE n_1', 4],
      ['LRANGE n_1 0 -1', ['one', 'two', '', '']],
      ['SORT l STORE l', 4],
      ['LRANGE l 0 -1', ['1', '2', '3', '10']],
      ['SORT missing STORE d', 0],
      ['EXISTS d', 0],
      ['SORT l LIMIT 9 1 STORE l', 0],
      ['EXISTS l', 0],
    ]);
  });

  it('reads numbers as strtod does', () => {
    c.run('RPUSH', 'odd', ' 3', '', '0x10', '1e2', '-INF', '+1');
    expect(c.line('SORT odd')).toEqual(['-INF', '', '+1', ' 3', '0x10', '1e2']);
    for (const bad of ['a', '1x', 'nan', '1e400', '3 ']) {
      c.line('DEL bad');
      c.run('RPUSH', 'bad', '1', bad);
      expect([bad, c.line('SORT bad')]).toEqual([bad, notAScore]);
    }
  });

  it('says what is wrong with its words before it looks at the key', () => {
    c.expectReplies([
      ['SORT w_1', wrongType],
      ['SORT w_1 FOO', syntaxError],
      ['SORT l LIMIT 0', syntaxError],
      ['SORT l LIMIT x 1', notAnInteger],
      ['SORT l BY', syntaxError],
      ['SORT l GET', syntaxError],
      ['SORT l STORE', syntaxError],
      ['SORT_RO l STORE d', syntaxError],
      ['SORT_RO l BY w_* GET n_*', [null, null, 'two', 'one']],
    ]);
  });

  it('names the key that it writes', () => {
    c.expectReplies([
      ['COMMAND GETKEYS SORT l BY w_* GET STORE STORE d', ['l', 'd']],
      ['COMMAND GETKEYS SORT l STORE d STORE e', ['l', 'e']],
      ['COMMAND GETKEYS SORT_RO l', ['l']],
    ]);
  });
});
