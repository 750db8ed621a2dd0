import { SeededRandom } from '@holdfast/common/testing';
import { MutationWriter } from '@holdfast/storage';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
const notAnInteger = new Error('ERR value is not an integer or out of range');
const syntaxError = new Error('ERR syntax error');

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
  c.line('SET string value');
});

/** Each line's command has the reply beside it. */
function all(key = 'h'): Record<string, string> {
  return c.line(`HGETALL ${key}`) as Record<string, string>;
}

describe('HSET, HMSET, HSETNX', () => {
  it('set fields, and count the new ones', () => {
    c.expectReplies([
      ['HSET h a 1 b 2', 2],
      ['HSET h a 3 c 4', 1],
      ['HSET h d 5 d 6', 1],
      ['HMSET h a 7 e 8', 'OK'],
      ['HSETNX h a 9', 0],
      ['HSETNX h f 9', 1],
      ['HSETNX other f 9', 1],
    ]);
    expect(all()).toEqual({ a: '7', b: '2', c: '4', d: '6', e: '8', f: '9' });
  });

  it.each(['HSET', 'HMSET'])('%s wants values for all fields', (name) => {
    const wrongNumber = new Error(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
    expect(c.line(`${name} h a`)).toEqual(wrongNumber);
    expect(c.line(`${name} string a 1 b`)).toEqual(wrongNumber);
    expect(c.line('EXISTS h')).toBe(0);
  });

  it('keep binary, empty and huge fields and values', () => {
    const binary = Buffer.from([0, 255, 13, 10]);
    const huge = 'h'.repeat(3 << 20);
    const long = 'f'.repeat((1 << 20) - 1);
    c.run('HSET', 'h', binary, '', '', binary, 'huge', huge, long, huge);
    expect(c.run('HMGET', 'h', binary, '', 'huge', long)).toEqual([
      '',
      binary.toString('latin1'),
      huge,
      huge,
    ]);
    c.run('HSET', 'h', 'huge', 'small');
    expect(c.line('HSTRLEN h huge')).toBe(5);
    expect(c.line('DEL h')).toBe(1);
  });

  it('refuse a field that is too long before anything is written', () => {
    const long = 'f'.repeat(1 << 20);
    for (const name of ['HSET', 'HMSET', 'HSETNX', 'HINCRBY', 'HINCRBYFLOAT']) {
      expect(c.run(name, 'h', long, '1')).toBeInstanceOf(Error);
    }
    expect(c.run('HSETEX', 'h', 'FIELDS', 1, long, 'v')).toBeInstanceOf(Error);
    expect(c.run('HSET', 'h', 'a', '1', long, '1')).toBeInstanceOf(Error);
    expect(c.line('EXISTS h')).toBe(0);
    expect(c.run('HGET', 'string2', long)).toBe(null);
  });
});

describe('reading', () => {
  it('finds what is there, and nothing where nothing is', () => {
    c.line('HSET h a 1 b 22 c 333');
    c.expectReplies([
      ['HGET h a', '1'],
      ['HGET h x', null],
      ['HGET none a', null],
      ['HMGET h a x c a', ['1', null, '333', '1']],
      ['HMGET none a b', [null, null]],
      ['HKEYS h', ['a', 'b', 'c']],
      ['HVALS h', ['1', '22', '333']],
      ['HGETALL h', { a: '1', b: '22', c: '333' }],
      ['HGETALL none', {}],
      ['HLEN h', 3],
      ['HLEN none', 0],
      ['HEXISTS h a', 1],
      ['HEXISTS h x', 0],
      ['HSTRLEN h c', 3],
      ['HSTRLEN h x', 0],
    ]);
  });

  it.each([
    'HSET string a 1',
    'HMSET string a 1',
    'HSETNX string a 1',
    'HGET string a',
    'HMGET string a',
    'HGETALL string',
    'HKEYS string',
    'HVALS string',
    'HLEN string',
    'HEXISTS string a',
    'HDEL string a',
    'HSTRLEN string a',
    'HINCRBY string a 1',
    'HINCRBYFLOAT string a 1',
    'HRANDFIELD string 5',
    'HSCAN string 0 NOSUCH',
    'HEXPIRE string x FIELDS 1 a',
    'HTTL string NOSUCH 1 a',
    'HPERSIST string FIELDS x a',
    'HGETDEL string FIELDS 1 a',
    'HGETEX string FIELDS 1 a',
    'HSETEX string FIELDS 1 a b',
  ])('%s leaves other types alone', (line) => {
    expect(c.line(line)).toEqual(wrongType);
  });
});

describe('HDEL', () => {
  it('removes fields, and the key with the last one', () => {
    c.line('HSET h a 1 b 2 c 3');
    const events = server.eventsOf(() => {
      c.expectReplies([
        ['HDEL h a x a', 1],
        ['HDEL h x', 0],
        ['HDEL h b c b', 2],
        ['EXISTS h', 0],
        ['HDEL h a', 0],
      ]);
    });
    expect(events).toEqual(['hdel h', 'hdel h', 'del h']);
  });
});

describe('HINCRBY and HINCRBYFLOAT', () => {
  it('add to what is there, or to nothing', () => {
    c.expectReplies([
      ['HINCRBY h n 5', 5],
      ['HINCRBY h n -8', -3],
      ['HINCRBYFLOAT h f 10.5', '10.5'],
      ['HINCRBYFLOAT h f 0.1', '10.6'],
      ['HINCRBYFLOAT h f -5.6e0', '5'],
      ['HINCRBYFLOAT h n 1', '-2'],
      ['HINCRBY h n 2', 0],
    ]);
    expect(all()).toEqual({ n: '0', f: '5' });
  });

  it('are exact over 64 bits, and do not overflow', () => {
    c.line('HSET h n 9223372036854775806');
    c.expectReplies([
      ['HINCRBY h n 1', 9223372036854775807n],
      ['HINCRBY h n 1', new Error('ERR increment or decrement would overflow')],
      ['HINCRBY h n -9223372036854775807', 0n],
      ['HINCRBY h n -9223372036854775808', -9223372036854775808n],
      ['HINCRBY h n -1', new Error('ERR increment or decrement would overflow')],
      ['HGET h n', '-9223372036854775808'],
    ]);
  });

  it('say what is no number', () => {
    c.line('HSET h s abc big 1e4000');
    c.expectReplies([
      ['HINCRBY h s 1', new Error('ERR hash value is not an integer')],
      ['HINCRBY h n x', notAnInteger],
      ['HINCRBY string n x', notAnInteger],
      ['HINCRBYFLOAT h s 1', new Error('ERR hash value is not a float')],
      ['HINCRBYFLOAT h n x', new Error('ERR value is not a valid float')],
      ['HINCRBYFLOAT string n inf', new Error('ERR value is NaN or Infinity')],
    ]);
    c.line('HSET h i inf');
    expect(c.line('HINCRBYFLOAT h i 1')).toEqual(new Error('ERR increment would produce NaN or Infinity'));
    expect(c.line('EXISTS n')).toBe(0);
  });
});

describe('HRANDFIELD', () => {
  beforeEach(() => {
    for (let i = 0; i < 30; i++) c.line(`HSET h field${i} ${i}`);
  });

  it('gives different fields for a positive count, any for a negative one', () => {
    for (const count of [1, 5, 20, 29, 30, 100]) {
      const fields = c.line(`HRANDFIELD h ${count}`) as string[];
      expect(fields).toHaveLength(Math.min(count, 30));
      expect(new Set(fields).size).toBe(fields.length);
    }
    expect(c.line('HRANDFIELD h -100')).toHaveLength(100);
    expect(c.line('HRANDFIELD h 0')).toEqual([]);
    expect(c.line('HRANDFIELD h')).toMatch(/^field\d+$/);
  });

  it('gives values in the shape of the dialect', () => {
    const pairs = server.client(3).line('HRANDFIELD h 10 WITHVALUES') as [string, string][];
    for (const [field, value] of pairs) expect(field).toBe(`field${value}`);
    expect(pairs).toHaveLength(10);
    expect(c.line('HRANDFIELD h -10 WITHVALUES')).toHaveLength(20);
  });

  it('draws all fields about equally often, packed or not', () => {
    for (const limit of [512, 0]) {
      c.line(`CONFIG SET hash-max-listpack-entries ${limit}`);
      c.line('HSET h field0 0 field30 30');
      for (const count of [1, 7, 25, -9]) {
        const draws = new Map<string, number>();
        const rounds = Math.ceil(6000 / Math.abs(count));
        for (let i = 0; i < rounds; i++) {
          for (const field of c.line(`HRANDFIELD h ${count}`) as string[]) {
            draws.set(field, (draws.get(field) ?? 0) + 1);
          }
        }
        const expected = (rounds * Math.abs(count)) / 31;
        expect(draws.size).toBe(31);
        for (const times of draws.values()) expect(Math.abs(times - expected)).toBeLessThan(expected * 0.4);
      }
    }
    c.line('CONFIG SET hash-max-listpack-entries 512');
  });

  it('says what is wrong with the count', () => {
    const outOfRange = new Error('ERR value is out of range');
    c.expectReplies([
      ['HRANDFIELD none', null],
      ['HRANDFIELD none 5', []],
      ['HRANDFIELD h x', notAnInteger],
      ['HRANDFIELD h 1 NOSUCH', syntaxError],
      ['HRANDFIELD h 1 WITHVALUES x', syntaxError],
      ['HRANDFIELD h -5000000000 WITHVALUES', outOfRange],
      ['HRANDFIELD h 4611686018427387904 WITHVALUES', outOfRange],
    ]);
  });
});

describe('HSCAN', () => {
  it('gives a packed hash at once, whatever the count', () => {
    for (let i = 0; i < 100; i++) c.line(`HSET h field${i} ${i}`);
    const [cursor, items] = c.line('HSCAN h 0 COUNT 1') as [string, string[]];
    expect(cursor).toBe('0');
    expect(items).toHaveLength(200);
    expect(c.line('HSCAN h 0 MATCH field7? NOVALUES')).toEqual([
      '0',
      Array.from({ length: 10 }, (_, i) => `field7${i}`),
    ]);
  });

  it('looks at its options only when there is a hash', () => {
    c.line('HSET h a 1');
    c.expectReplies([
      ['HSCAN none 0 NOSUCH', ['0', []]],
      ['HSCAN none x', new Error('ERR invalid cursor')],
      ['HSCAN h 0 NOSUCH', syntaxError],
      ['HSCAN h 0 COUNT 0', syntaxError],
      ['HSCAN h 0 COUNT x', notAnInteger],
      ['HSCAN h 0 COUNT', syntaxError],
      ['HSCAN h 0 MATCH * COUNT 5', ['0', ['a', '1']]],
    ]);
  });

  it.each([1, 2, 3])('returns what is there all the time while fields come and go (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const below = (n: number) => random.uint32() % n;
    for (let i = 0; i < 600; i++) c.line(`HSET h steady${i} ${i}`);
    const seen = new Set<string>();
    let cursor = '0';
    let churned = 0;
    do {
      const [next, items] = c.line(`HSCAN h ${cursor} COUNT 20 NOVALUES`) as [string, string[]];
      for (const field of items) seen.add(field);
      cursor = next;
      const target = below(2) === 0 ? below(2000) : 0;
      for (; churned < target; churned++) c.line(`HSET h churn${churned} v`);
      for (; churned > target; churned--) c.line(`HDEL h churn${churned - 1}`);
    } while (cursor !== '0');
    for (let i = 0; i < 600; i++) expect(seen).toContain(`steady${i}`);
  });
});

describe('OBJECT ENCODING', () => {
  it('tells packed hashes from tables, by the limits that are configured', () => {
    for (let i = 0; i < 512; i++) c.line(`HSET h field${i} v`);
    expect(c.line('OBJECT ENCODING h')).toBe('listpack');
    c.line('HEXPIRE h 100 FIELDS 1 field1');
    expect(c.line('OBJECT ENCODING h')).toBe('listpackex');
    c.line('HSET h field512 v');
    expect(c.line('OBJECT ENCODING h')).toBe('hashtable');
    expect(c.line('HTTL h FIELDS 1 field1')).toEqual([100]);
    c.line(`HSET long f ${'v'.repeat(65)}`);
    expect(c.line('OBJECT ENCODING long')).toBe('hashtable');
    c.line('CONFIG SET hash-max-ziplist-value 100');
    c.line(`HSET other f ${'v'.repeat(65)}`);
    expect(c.line('OBJECT ENCODING other')).toBe('listpack');
    c.line('CONFIG SET hash-max-listpack-value 64');
  });
});

describe('any sequence of hash commands', () => {
  it.each([
    [1, 512],
    [2, 20],
    [3, 0],
  ])('agrees with a model (seed %i, packed up to %i fields)', (seed, limit) => {
    c.line(`CONFIG SET hash-max-listpack-entries ${limit}`);
    const random = new SeededRandom(seed);
    const below = (n: number) => random.uint32() % n;
    const journal = new MutationWriter();
    server.storage.journal = journal;
    const model = new Map<string, { value: string; expiryMs: number }>();
    for (let i = 0; i < 3000; i++) {
      const field = `f${below(60)}`;
      const present = model.get(field);
      const action = below(10);
      if (action < 3) {
        expect(c.line(`HSET h ${field} ${i}`)).toBe(present === undefined ? 1 : 0);
        model.set(field, { value: String(i), expiryMs: 0 });
      } else if (action < 4) {
        expect(c.line(`HDEL h ${field}`)).toBe(model.delete(field) ? 1 : 0);
      } else if (action < 5) {
        expect(c.line(`HINCRBY h ${field} 7`)).toBe(Number(present?.value ?? 0) + 7);
        model.set(field, {
          value: String(Number(present?.value ?? 0) + 7),
          expiryMs: present?.expiryMs ?? 0,
        });
      } else if (action < 8) {
        const ms = 1 + below(400);
        expect(c.line(`HPEXPIRE h ${ms} FIELDS 1 ${field}`)).toEqual([present === undefined ? -2 : 1]);
        if (present !== undefined) present.expiryMs = server.env.clock.now() + ms;
      } else if (action < 9) {
        if (below(2) === 0) server.env.advance(below(50));
        else server.env.jumpClock(below(50));
        for (const [name, { expiryMs }] of model) {
          if (expiryMs !== 0 && expiryMs <= server.env.clock.now()) model.delete(name);
        }
      } else {
        expect(c.line('HLEN h')).toBe(model.size);
        expect(c.line(`HGET h ${field}`)).toBe(present?.value ?? null);
      }
      if (i % 300 !== 299) continue;
      expect(all()).toEqual(Object.fromEntries([...model].map(([name, { value }]) => [name, value])));
      const ttls = new Map([...model].map(([name, { expiryMs }]) => [name, expiryMs === 0 ? -1 : expiryMs]));
      for (const [name, ttl] of ttls) expect(c.line(`HPEXPIRETIME h FIELDS 1 ${name}`)).toEqual([ttl]);
    }
    server.storage.journal = null;
    const replica = new LocalServer();
    replica.storage.apply(Buffer.from(journal.bytes.subarray(0, journal.length)), 1);
    replica.env.jumpClock(server.env.clock.now() - replica.env.clock.now());
    expect(replica.client().line('HGETALL h')).toEqual(all());
    c.line('CONFIG SET hash-max-listpack-entries 512');
  });
});
