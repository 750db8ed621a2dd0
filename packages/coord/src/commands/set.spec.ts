import { SeededRandom } from '@holdfast/common/testing';
import { MutationWriter } from '@holdfast/storage';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type Plain, type TestClient } from '../testing/index.js';

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
const notAnInteger = new Error('ERR value is not an integer or out of range');
const notPositive = new Error('ERR value is out of range, must be positive');
const syntaxError = new Error('ERR syntax error');

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
  c.line('SET string value');
});

/** Each line's command has the reply beside it. */
/** The members that a command replies, sorted. */
function members(line: string): string[] {
  return [...(c.line(line) as string[])].sort();
}

function encodingOf(key: string): Plain | undefined {
  return c.line(`OBJECT ENCODING ${key}`);
}

function numbers(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => from + i).join(' ');
}

describe('SADD, SREM and what they make', () => {
  it('count what is new, and what was there', () => {
    c.expectReplies([
      ['SADD s a b a', 2],
      ['SADD s b c', 1],
      ['SCARD s', 3],
      ['SISMEMBER s a', 1],
      ['SISMEMBER s x', 0],
      ['SMISMEMBER s a x c', [1, 0, 1]],
      ['SMISMEMBER none a b', [0, 0]],
      ['SREM s a x a', 1],
      ['SMEMBERS s', ['b', 'c']],
      ['SREM s b c', 2],
      ['EXISTS s', 0],
      ['SREM s b', 0],
      ['SMEMBERS s', []],
      ['SCARD s', 0],
      ['SISMEMBER s a', 0],
    ]);
  });

  it.each([
    'SADD string a',
    'SREM string a',
    'SISMEMBER string a',
    'SMISMEMBER string a',
    'SMEMBERS string',
    'SCARD string',
    'SPOP string',
    'SPOP string 5',
    'SRANDMEMBER string',
    'SRANDMEMBER string 5',
    'SMOVE string s a',
    'SINTER none string',
    'SINTERCARD 2 none string',
    'SINTERSTORE s none string',
    'SUNION none string',
    'SUNIONSTORE s none string',
    'SDIFF none string',
    'SDIFFSTORE s none string',
    'SSCAN string 0 NOSUCH',
  ])('%s leaves other types alone', (line) => {
    expect(c.line(line)).toEqual(wrongType);
  });

  it('keep binary, empty and long members, and refuse those that are too long', () => {
    const binary = Buffer.from([0, 255, 13, 10]);
    const long = 'm'.repeat((1 << 20) - 1);
    expect(c.run('SADD', 's', binary, '', long)).toBe(3);
    expect(c.run('SMISMEMBER', 's', binary, '', long, 'x')).toEqual([1, 1, 1, 0]);
    expect(c.run('SADD', 'other', 'a', `${long}m`)).toBeInstanceOf(Error);
    expect(c.run('SMOVE', 's', 'other', `${long}m`)).toBeInstanceOf(Error);
    expect(c.line('EXISTS other')).toBe(0);
  });

  it('take integers as texts: only their shortest form is the same member', () => {
    c.line('SADD s 1 01 -0 0 9223372036854775807 9223372036854775808');
    expect(c.line('SMISMEMBER s 1 01 -0 0 9223372036854775807 9223372036854775808 +1')).toEqual([
      1, 1, 1, 1, 1, 1, 0,
    ]);
    expect(c.line('SCARD s')).toBe(6);
  });

  it('change no version when they change nothing', () => {
    c.line('SADD s a');
    const db = server.storage.database(0);
    const key = Buffer.from('s');
    const version = db.version(db.find(key, 0, 1));
    c.line('SADD s a');
    c.line('SREM s x');
    c.line('SMOVE s other x');
    c.line('SMOVE s s a');
    c.line('SPOP s 0');
    expect(db.version(db.find(key, 0, 1))).toBe(version);
  });
});

describe('encodings', () => {
  it('change as in Redis 7.2', () => {
    c.line(`SADD s ${numbers(0, 512)}`);
    expect(encodingOf('s')).toBe('intset');
    c.line('SADD s 512');
    expect(encodingOf('s')).toBe('hashtable');
    c.line('SADD i 1 2 3');
    c.line('SADD i a');
    expect(encodingOf('i')).toBe('listpack');
    c.line('SREM i a');
    expect(encodingOf('i')).toBe('listpack');
    c.line(`SADD i ${'x'.repeat(65)}`);
    expect(encodingOf('i')).toBe('hashtable');
    c.line(`SADD many a ${numbers(0, 128)}`);
    expect(encodingOf('many')).toBe('hashtable');
    c.line(`SADD fewer a ${numbers(0, 127)}`);
    expect(encodingOf('fewer')).toBe('listpack');
    c.line(`SADD hinted 1 ${'1 '.repeat(512)}1`);
    expect([encodingOf('hinted'), c.line('SCARD hinted')]).toEqual(['hashtable', 1]);
  });

  it('of a stored result follow from what it was made of', () => {
    c.line('SADD text a b 1');
    c.line('SADD digits 1 2 3');
    c.line(`SADD large ${'x'.repeat(65)} 1 2 b`);
    const encodings = (line: string) => {
      c.line(line);
      return encodingOf('d');
    };
    expect(encodings('SINTERSTORE d digits text')).toBe('intset');
    expect(encodings('SINTERSTORE d text text')).toBe('listpack');
    expect(encodings('SINTERSTORE d large large')).toBe('hashtable');
    expect(encodings('SINTERSTORE d large digits')).toBe('intset');
    expect(encodings('SUNIONSTORE d digits digits')).toBe('intset');
    expect(encodings('SUNIONSTORE d digits text')).toBe('listpack');
    expect(encodings('SUNIONSTORE d text large')).toBe('hashtable');
    expect(encodings('SDIFFSTORE d digits text')).toBe('intset');
    expect(encodings('SDIFFSTORE d large text')).toBe('hashtable');
    expect(encodings('SDIFFSTORE d text digits')).toBe('listpack');
  });
});

describe('SMOVE', () => {
  it('takes a member from one set to the other', () => {
    c.line('SADD a x y');
    c.line('SADD b z');
    const events = server.eventsOf(() => {
      c.expectReplies([
        ['SMOVE a b x', 1],
        ['SMOVE a b x', 0],
        ['SMOVE none b x', 0],
        ['SMOVE a a y', 1],
        ['SMOVE a a x', 0],
        ['SADD b y', 1],
        ['SMOVE a b y', 1],
        ['EXISTS a', 0],
        ['SMOVE b c z', 1],
        ['SMEMBERS c', ['z']],
      ]);
    });
    expect(members('SMEMBERS b')).toEqual(['x', 'y']);
    expect(events).toEqual(['srem a', 'sadd b', 'sadd b', 'srem a', 'del a', 'srem b', 'sadd c']);
  });

  it('looks at the destination only when there is a source', () => {
    c.line('SADD a x');
    c.expectReplies([
      ['SMOVE none string x', 0],
      ['SMOVE a string x', wrongType],
      ['SMOVE a string y', wrongType],
    ]);
  });
});

describe('SPOP and SRANDMEMBER', () => {
  it('take members away, and the key with the last', () => {
    c.line(`SADD s ${numbers(0, 10)} a`);
    const events = server.eventsOf(() => {
      const first = c.line('SPOP s') as string;
      const some = c.line('SPOP s 4') as string[];
      const rest = c.line('SPOP s 100') as string[];
      const all = [first, ...some, ...rest];
      expect([some.length, rest.length, new Set(all).size]).toEqual([4, 6, 11]);
      expect(c.line('EXISTS s')).toBe(0);
      c.line('SADD s a');
      expect(c.line('SPOP s')).toBe('a');
    });
    expect(events).toEqual(['spop s', 'spop s', 'spop s', 'del s', 'sadd s', 'spop s', 'del s']);
  });

  it('say what is wrong with the count', () => {
    c.line('SADD s a');
    c.expectReplies([
      ['SPOP none', null],
      ['SPOP none 3', []],
      ['SPOP s 0', []],
      ['SPOP s -1', notPositive],
      ['SPOP s x', notPositive],
      ['SPOP s x y', syntaxError],
      ['SRANDMEMBER none', null],
      ['SRANDMEMBER none 3', []],
      ['SRANDMEMBER s x', notAnInteger],
      ['SRANDMEMBER s 1 2', syntaxError],
      ['SRANDMEMBER s -3', ['a', 'a', 'a']],
      ['SRANDMEMBER s -5000000000', new Error('ERR value is out of range')],
    ]);
  });

  it.each([
    ['intset', numbers(0, 50)],
    ['listpack', `a ${numbers(1, 50)}`],
    ['hashtable', `${'x'.repeat(65)} ${numbers(1, 50)}`],
  ])('draw all members about equally often: %s', (encoding, added) => {
    c.line(`SADD s ${added}`);
    expect(encodingOf('s')).toBe(encoding);
    for (const count of [1, 5, 30, 49, -20]) {
      const draws = new Map<string, number>();
      const rounds = Math.ceil(10_000 / Math.abs(count));
      for (let i = 0; i < rounds; i++) {
        const drawn = c.line(`SRANDMEMBER s ${count}`) as string[];
        if (drawn.length !== Math.abs(count)) throw new Error(`${drawn.length} members for ${count}`);
        if (count > 0 && new Set(drawn).size !== count) throw new Error('a member came twice');
        for (const member of drawn) draws.set(member, (draws.get(member) ?? 0) + 1);
      }
      const expected = (rounds * Math.abs(count)) / 50;
      expect(draws.size).toBe(50);
      for (const times of draws.values()) expect(Math.abs(times - expected)).toBeLessThan(expected * 0.4);
    }
  });

  it('pop any member first, about equally often', () => {
    const firsts = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      c.line('SADD s a b c d e f g h');
      const first = c.line('SPOP s') as string;
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    expect(firsts.size).toBe(8);
    for (const times of firsts.values()) expect(Math.abs(times - 500)).toBeLessThan(120);
  });

  it('are the same for the same seed', () => {
    const draw = () => {
      const client = new LocalServer(7).client();
      client.line(`SADD s ${numbers(0, 1000)}`);
      return [client.line('SRANDMEMBER s 10'), client.line('SPOP s 5'), client.line('SRANDMEMBER s -5')];
    };
    expect(draw()).toEqual(draw());
  });
});

describe('SINTER, SUNION, SDIFF and what stores them', () => {
  beforeEach(() => {
    c.line('SADD a 1 2 3 4 x');
    c.line('SADD b 3 4 5 x');
    c.line('SADD c 4 9 x');
  });

  it('combine sets; what is not there is empty', () => {
    expect(members('SINTER a b')).toEqual(['3', '4', 'x']);
    expect(members('SINTER a b c')).toEqual(['4', 'x']);
    expect(members('SINTER a')).toEqual(['1', '2', '3', '4', 'x']);
    expect(members('SINTER a a')).toEqual(['1', '2', '3', '4', 'x']);
    expect(members('SINTER a none b')).toEqual([]);
    expect(members('SUNION a b c none')).toEqual(['1', '2', '3', '4', '5', '9', 'x']);
    expect(members('SUNION none')).toEqual([]);
    expect(members('SDIFF a b')).toEqual(['1', '2']);
    expect(members('SDIFF a none c')).toEqual(['1', '2', '3']);
    expect(members('SDIFF a a')).toEqual([]);
    expect(members('SDIFF none a')).toEqual([]);
    expect(members('SDIFF a')).toEqual(['1', '2', '3', '4', 'x']);
  });

  it('leave nothing behind in memory', () => {
    const { arena } = server.storage.database(0);
    c.line(`SADD large ${numbers(0, 2000)}`);
    const { usedBytes } = arena;
    c.line('SUNION large a b');
    c.line('SDIFF large a b');
    c.line('SDIFF a large b c');
    c.line('SINTERSTORE d a none');
    c.line('SUNIONSTORE d large a');
    c.line('DEL d');
    while (!server.storage.releaseSome(1000));
    expect(arena.usedBytes).toBe(usedBytes);
  });

  it('store a result over whatever is there, and remove the key for an empty one', () => {
    c.line('SET d value EX 100');
    const events = server.eventsOf(() => {
      c.expectReplies([
        ['SINTERSTORE d a b', 3],
        ['TTL d', -1],
        ['SUNIONSTORE a a b', 6],
        ['SDIFFSTORE b a b', 2],
        ['SINTERSTORE d a none', 0],
        ['EXISTS d', 0],
        ['SINTERSTORE d a none', 0],
        ['SDIFFSTORE a a a', 0],
      ]);
    });
    expect(members('SMEMBERS b')).toEqual(['1', '2']);
    expect(events).toEqual(['sinterstore d', 'sunionstore a', 'sdiffstore b', 'del d', 'del a']);
  });

  it('SINTERCARD counts up to a limit', () => {
    c.expectReplies([
      ['SINTERCARD 2 a b', 3],
      ['SINTERCARD 2 a b LIMIT 2', 2],
      ['SINTERCARD 2 a b LIMIT 0', 3],
      ['SINTERCARD 1 none', 0],
      ['SINTERCARD 0 a', new Error('ERR numkeys should be greater than 0')],
      ['SINTERCARD x a', new Error('ERR numkeys should be greater than 0')],
      ['SINTERCARD 3 a b', new Error("ERR Number of keys can't be greater than number of args")],
      ['SINTERCARD 1 a b', syntaxError],
      ['SINTERCARD 1 a LIMIT', syntaxError],
      ['SINTERCARD 1 a LIMIT -1', new Error("ERR LIMIT can't be negative")],
      ['SINTERCARD 1 a LIMIT x', new Error("ERR LIMIT can't be negative")],
    ]);
  });

  it('journal the whole result: a replica has it too', () => {
    const journal = new MutationWriter();
    const replica = new LocalServer();
    server.storage.journal = journal;
    c.line(`SADD large ${numbers(0, 700)}`);
    c.line('SADD text a b c');
    c.line('SUNIONSTORE d large text');
    c.line('SDIFFSTORE large large text');
    c.line('SPOP large 300');
    server.storage.journal = null;
    replica.storage.apply(Buffer.from(journal.bytes.subarray(0, journal.length)), 1);
    const other = replica.client();
    for (const key of ['d', 'large', 'text']) {
      expect([...(other.line(`SMEMBERS ${key}`) as string[])].sort()).toEqual(members(`SMEMBERS ${key}`));
    }
  });
});

describe('SSCAN', () => {
  it('gives a small set at once, and looks at its options only when there is one', () => {
    c.line('SADD s 3 1 2');
    c.expectReplies([
      ['SSCAN s 0 COUNT 1', ['0', ['1', '2', '3']]],
      ['SSCAN s 0 MATCH [12]', ['0', ['1', '2']]],
      ['SSCAN none 0 NOSUCH', ['0', []]],
      ['SSCAN s 0 NOSUCH', syntaxError],
      ['SSCAN s 0 NOVALUES', new Error('ERR NOVALUES option can only be used in HSCAN')],
      ['SSCAN s x', new Error('ERR invalid cursor')],
      ['SSCAN s -1', ['0', ['1', '2', '3']]],
    ]);
  });

  it.each([1, 2, 3])('returns what is there all the time while members come and go (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const below = (n: number) => random.uint32() % n;
    c.line(`SADD s ${numbers(0, 600)}`);
    const seen = new Set<string>();
    let cursor = '0';
    let churned = 0;
    do {
      const [next, items] = c.line(`SSCAN s ${cursor} COUNT 20`) as [string, string[]];
      for (const member of items) seen.add(member);
      cursor = next;
      const target = below(2) === 0 ? below(2000) : 0;
      for (; churned < target; churned++) c.line(`SADD s churn${churned}`);
      for (; churned > target; churned--) c.line(`SREM s churn${churned - 1}`);
    } while (cursor !== '0');
    for (let i = 0; i < 600; i++) expect(seen).toContain(String(i));
  });
});

describe('any sequence of set commands', () => {
  it.each([
    [1, (n: number) => String(n)],
    [2, (n: number) => `member${n}`],
    [3, (n: number) => (n % 9 === 0 ? 'x'.repeat(60 + (n % 10)) : String(n))],
  ])('agrees with a model (seed %i)', (seed, nameOf) => {
    const random = new SeededRandom(seed);
    const below = (n: number) => random.uint32() % n;
    const journal = new MutationWriter();
    server.storage.journal = journal;
    const model = new Map<string, Set<string>>();
    const setOf = (key: string) => model.get(key) ?? new Set<string>();
    const put = (key: string, set: Set<string>) => {
      if (set.size > 0) model.set(key, set);
      else model.delete(key);
    };
    const combined = (name: string, keys: readonly string[]) => {
      const [first, ...others] = keys.map(setOf);
      if (name === 'SUNION') return new Set([...first, ...others.flatMap((set) => [...set])]);
      const isInter = name === 'SINTER';
      const keeps = (m: string) =>
        isInter ? others.every((set) => set.has(m)) : !others.some((set) => set.has(m));
      return new Set([...first].filter(keeps));
    };
    for (let i = 0; i < 2000; i++) {
      const [key, other, third] = [`k${below(4)}`, `k${below(4)}`, `k${below(4)}`];
      const member = nameOf(below(200));
      const set = setOf(key);
      const action = below(10);
      if (action < 4) {
        const more = Array.from({ length: 1 + below(20) }, () => nameOf(below(200)));
        const before = set.size;
        for (const each of more) set.add(each);
        put(key, set);
        expect(c.line(`SADD ${key} ${more.join(' ')}`)).toBe(set.size - before);
      } else if (action < 6) {
        expect(c.line(`SREM ${key} ${member}`)).toBe(set.delete(member) ? 1 : 0);
        put(key, set);
      } else if (action < 7) {
        const isThere = set.has(member);
        if (isThere && key !== other) {
          set.delete(member);
          put(key, set);
          put(other, setOf(other).add(member));
        }
        expect(c.line(`SMOVE ${key} ${other} ${member}`)).toBe(isThere ? 1 : 0);
      } else if (action < 8) {
        const count = below(20);
        const popped = c.line(`SPOP ${key} ${count}`) as string[];
        expect(popped).toHaveLength(Math.min(count, set.size));
        for (const each of popped) if (!set.delete(each)) throw new Error(`${each} was not there`);
        put(key, set);
      } else {
        const name = ['SINTER', 'SUNION', 'SDIFF'][below(3)];
        const result = combined(name, [key, other, third]);
        expect(members(`${name} ${key} ${other} ${third}`)).toEqual([...result].sort());
        if (action === 9) {
          expect(c.line(`${name}STORE ${key} ${key} ${other} ${third}`)).toBe(result.size);
          put(key, result);
        }
      }
    }
    server.storage.journal = null;
    const replica = new LocalServer();
    replica.storage.apply(Buffer.from(journal.bytes.subarray(0, journal.length)), 1);
    const copy = replica.client();
    for (const key of ['k0', 'k1', 'k2', 'k3']) {
      expect(members(`SMEMBERS ${key}`)).toEqual([...setOf(key)].sort());
      expect([...(copy.line(`SMEMBERS ${key}`) as string[])].sort()).toEqual([...setOf(key)].sort());
    }
  });
});
