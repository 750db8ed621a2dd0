import { SeededRandom } from '@holdfast/common/testing';
import { MutationWriter } from '@holdfast/storage';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type Plain, type TestClient } from '../testing/index.js';

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
function expectReplies(lines: readonly (readonly [string, Plain])[]): void {
  for (const [line, reply] of lines) expect(c.line(line), line).toEqual(reply);
}

function all(key = 'h'): Record<string, string> {
  return c.line(`HGETALL ${key}`) as Record<string, string>;
}

/** All messages that a subscriber of keyspace events got, as `event key`. */
function eventsOf(run: () => void): string[] {
  c.line('CONFIG SET notify-keyspace-events KEA');
  const subscriber = server.client();
  subscriber.line('PSUBSCRIBE __keyevent@0__:*');
  run();
  const events: string[] = [];
  for (let message = subscriber.take(); message !== undefined; message = subscriber.take()) {
    const [, , channel, key] = message as string[];
    events.push(`${channel.slice(channel.indexOf(':') + 1)} ${key}`);
  }
  return events;
}

describe('HSET, HMSET, HSETNX', () => {
  it('set fields, and count the new ones', () => {
    expectReplies([
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
    expectReplies([
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
    const events = eventsOf(() => {
      expectReplies([
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
    expectReplies([
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
    expectReplies([
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
    expectReplies([
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
    expectReplies([
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
    expectReplies([
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

describe('fields that expire', () => {
  const nowSeconds = () => Math.floor(server.env.clock.now() / 1000);

  it('are set, read and made to stay again', () => {
    c.line('HSET h a 1 b 2 c 3');
    const at = nowSeconds() + 50;
    expectReplies([
      ['HEXPIRE h 10 FIELDS 3 a x b', [1, -2, 1]],
      ['HPEXPIRE h 1500 FIELDS 1 b', [1]],
      ['HTTL h FIELDS 4 a b c x', [10, 2, -1, -2]],
      ['HPTTL h FIELDS 2 a b', [10000, 1500]],
      [`HEXPIREAT h ${at} FIELDS 1 c`, [1]],
      ['HEXPIRETIME h FIELDS 1 c', [at]],
      [`HPEXPIREAT h ${at}500 FIELDS 1 c`, [1]],
      ['HPEXPIRETIME h FIELDS 1 c', [at * 1000 + 500]],
      ['HEXPIRETIME h FIELDS 1 c', [at + 1]],
      ['HPERSIST h FIELDS 3 a a x', [1, -1, -2]],
      ['HTTL h FIELDS 1 a', [-1]],
    ]);
  });

  it('are there no more when their time is over, and the key goes with the last', () => {
    c.line('HSET h a 1 b 2 c 3');
    c.line('HPEXPIRE h 100 FIELDS 1 a');
    c.line('HPEXPIRE h 200 FIELDS 2 b c');
    server.env.jumpClock(99);
    expect(c.line('HLEN h')).toBe(3);
    server.env.jumpClock(1);
    expectReplies([
      ['HLEN h', 2],
      ['HGET h a', null],
      ['HGETALL h', { b: '2', c: '3' }],
      ['HSCAN h 0', ['0', ['b', '2', 'c', '3']]],
    ]);
    server.env.jumpClock(100);
    expectReplies([
      ['EXISTS h', 0],
      ['TYPE h', 'none'],
      ['HGETALL h', {}],
      ['HSET h a 1', 1],
      ['HTTL h FIELDS 1 a', [-1]],
    ]);
  });

  it.each(['TYPE h', 'EXISTS h', 'OBJECT ENCODING h', 'RENAME h i', 'COPY h i', 'TTL h', 'RPUSH h a'])(
    '%s does not see a hash whose fields have all expired',
    (line) => {
      c.line('HSET h a 1');
      c.line('HPEXPIRE h 100 FIELDS 1 a');
      server.env.jumpClock(100);
      const reply = c.line(line);
      const other = new LocalServer().client();
      expect(reply).toEqual(other.line(line));
    },
  );

  it('are swept away without being asked for', () => {
    c.line('CONFIG SET hash-max-listpack-entries 50');
    for (let i = 0; i < 300; i++) c.line(`HSET large field${i} v`);
    for (let i = 0; i < 300; i++) c.line(`HPEXPIRE large ${100 + i} FIELDS 1 field${i}`);
    c.line('HSET small a 1 b 2');
    c.line('HPEXPIRE small 150 FIELDS 2 a b');
    expect(c.line('DBSIZE')).toBe(3);
    server.env.advance(320);
    const large = server.storage.database(0);
    const key = Buffer.from('large');
    const { size } = large.collection(large.find(key, 0, key.length));
    expect(size).toBeLessThan(101);
    expect(size).toBeGreaterThan(0);
    expect(c.line('DBSIZE')).toBe(2);
    server.env.advance(300);
    expect(c.line('DBSIZE')).toBe(1);
    expect(server.storage.database(0).expiringCollections.size).toBe(0);
    expect(server.kv.stats.expiredFields).toBe(302);
    c.line('CONFIG SET hash-max-listpack-entries 512');
  });

  it('follow the conditions; a field that stays counts as one that expires last', () => {
    c.line('HSET h a 1 b 2');
    expectReplies([
      ['HEXPIRE h 100 XX FIELDS 1 a', [0]],
      ['HEXPIRE h 100 GT FIELDS 1 a', [0]],
      ['HEXPIRE h 100 NX FIELDS 1 a', [1]],
      ['HEXPIRE h 200 NX FIELDS 2 a b', [0, 1]],
      ['HEXPIRE h 100 GT FIELDS 1 a', [0]],
      ['HEXPIRE h 150 GT FIELDS 1 a', [1]],
      ['HEXPIRE h 150 LT FIELDS 1 a', [0]],
      ['HEXPIRE h 120 lt FIELDS 1 a', [1]],
      ['HEXPIRE h 130 XX FIELDS 1 a', [1]],
      ['HPERSIST h FIELDS 1 a', [1]],
      ['HEXPIRE h 130 LT FIELDS 1 a', [1]],
      ['HTTL h FIELDS 2 a b', [130, 200]],
    ]);
  });

  it('go at once when the time is not in the future', () => {
    c.line('HSET h a 1 b 2 c 3');
    const events = eventsOf(() => {
      expectReplies([
        ['HEXPIRE h 0 FIELDS 1 a', [2]],
        ['HEXPIREAT h 1 NX FIELDS 3 a b x', [-2, 2, -2]],
        ['HPEXPIREAT h 1 FIELDS 1 c', [2]],
        ['EXISTS h', 0],
      ]);
    });
    expect(events).toEqual(['hdel h', 'hdel h', 'hdel h', 'del h']);
  });

  it('lose their expiry when they are set, and keep it when they are incremented', () => {
    c.line('HSET h a 1 b 2 c 3');
    c.line('HEXPIRE h 100 FIELDS 3 a b c');
    c.line('HSET h a 2');
    c.line('HINCRBY h b 2');
    c.line('HINCRBYFLOAT h c 2.5');
    c.line('HSETNX h b 2');
    expect(c.line('HTTL h FIELDS 3 a b c')).toEqual([-1, 100, 100]);
    expect(all()).toEqual({ a: '2', b: '4', c: '5.5' });
  });

  it('say what is wrong with their arguments', () => {
    c.line('HSET h a 1');
    const noFields = new Error('ERR Mandatory argument FIELDS is missing or not at the right position');
    const mismatch = new Error('ERR The `numfields` parameter must match the number of arguments');
    expectReplies([
      ['HEXPIRE h x FIELDS 1 a', notAnInteger],
      ['HEXPIRE h -1 FIELDS 1 a', new Error('ERR invalid expire time, must be >= 0')],
      ['HEXPIRE h 70368744178 FIELDS 1 a', new Error("ERR invalid expire time in 'hexpire' command")],
      [
        'HPEXPIREAT h 70368744177664 FIELDS 1 a',
        new Error("ERR invalid expire time in 'hpexpireat' command"),
      ],
      ['HPEXPIREAT h 70368744177663 FIELDS 1 a', [1]],
      ['HEXPIRE h 1 NOSUCH 1 a', noFields],
      ['HEXPIRE h 1 FIELDS 0 a', new Error('ERR Parameter `numFields` should be greater than 0')],
      ['HEXPIRE h 1 FIELDS 2 a', mismatch],
      ['HEXPIRE h 1 FIELDS 1 a b', mismatch],
      ['HTTL h FIELDS x a', new Error('ERR Number of fields must be a positive integer')],
      ['HTTL none FIELDS 2 a b', [-2, -2]],
      ['HEXPIRE none 5 FIELDS 2 a b', [-2, -2]],
      ['HPERSIST none FIELDS 1 a', [-2]],
      ['HTTL none FIELDS 2 a', mismatch],
    ]);
  });

  it('tell subscribers what becomes of them', () => {
    const events = eventsOf(() => {
      c.line('HSET h a 1 b 2');
      c.line('HPEXPIRE h 100 FIELDS 2 a b');
      c.line('HPERSIST h FIELDS 1 a');
      server.env.jumpClock(100);
      c.line('HGET h b');
      c.line('HPEXPIRE h 100 FIELDS 1 a');
      server.env.advance(300);
    });
    expect(events).toEqual([
      'hset h',
      'hexpire h',
      'hpersist h',
      'hexpired h',
      'hexpire h',
      'hexpired h',
      'del h',
    ]);
  });

  it('are removed for everybody: removals are journaled, and break WATCH', () => {
    const journal = new MutationWriter();
    const replica = new LocalServer();
    server.storage.journal = journal;
    c.line('HSET h a 1 b 2 c 3');
    c.line('HPEXPIRE h 100 FIELDS 2 a b');
    c.line('WATCH h');
    server.env.jumpClock(100);
    server.client().line('HLEN h');
    c.line('MULTI');
    c.line('HLEN h');
    expect(c.line('EXEC')).toBe(null);
    replica.storage.apply(Buffer.from(journal.bytes.subarray(0, journal.length)), 1);
    expect(replica.client().line('HGETALL h')).toEqual({ c: '3' });
    server.storage.journal = null;
  });

  it('move with their hash', () => {
    c.line('HSET h a 1 b 2');
    c.line('HPEXPIRE h 100 FIELDS 1 a');
    c.line('COPY h copy');
    c.line('RENAME h renamed');
    c.line('COPY copy copy DB 1');
    c.line('SELECT 1');
    expect(c.line('HPTTL copy FIELDS 2 a b')).toEqual([100, -1]);
    c.line('SELECT 0');
    expect(c.line('HPTTL renamed FIELDS 2 a b')).toEqual([100, -1]);
    server.env.advance(300);
    expect(c.line('HLEN renamed')).toBe(1);
    expect(c.line('HLEN copy')).toBe(1);
    expect(server.kv.stats.expiredFields).toBe(3);
  });
});

describe('HGETDEL, HGETEX, HSETEX', () => {
  it('HGETDEL gives values and takes the fields away', () => {
    c.line('HSET h a 1 b 2 c 3');
    expectReplies([
      ['HGETDEL h FIELDS 3 a x b', ['1', null, '2']],
      ['HGETDEL h FIELDS 2 c c', ['3', null]],
      ['EXISTS h', 0],
      ['HGETDEL h FIELDS 1 a', [null]],
      ['HGETDEL h FIELDS 0 a', new Error('ERR Number of fields must be a positive integer')],
    ]);
  });

  it('HGETEX gives values and sets when they expire', () => {
    c.line('HSET h a 1 b 2');
    const at = Math.floor(server.env.clock.now() / 1000) + 50;
    expectReplies([
      ['HGETEX h FIELDS 2 a x', ['1', null]],
      ['HTTL h FIELDS 1 a', [-1]],
      ['HGETEX h EX 10 FIELDS 1 a', ['1']],
      ['HTTL h FIELDS 1 a', [10]],
      ['HGETEX h FIELDS 1 a PX 2500', ['1']],
      ['HPTTL h FIELDS 1 a', [2500]],
      [`HGETEX h EXAT ${at} FIELDS 1 a`, ['1']],
      ['HEXPIRETIME h FIELDS 1 a', [at]],
      ['HGETEX h PERSIST FIELDS 2 a b', ['1', '2']],
      ['HTTL h FIELDS 2 a b', [-1, -1]],
      ['HGETEX h PXAT 1 FIELDS 2 a b', ['1', '2']],
      ['EXISTS h', 0],
      ['HGETEX h EX 10 FIELDS 1 a', [null]],
    ]);
  });

  it('HSETEX sets fields, or none of them, with an expiry', () => {
    expectReplies([
      ['HSETEX h FIELDS 2 a 1 b 2', 1],
      ['HSETEX h FNX FIELDS 2 b 3 c 3', 0],
      ['HSETEX h FXX FIELDS 2 b 3 c 3', 0],
      ['HSETEX h FXX EX 10 FIELDS 1 b 3', 1],
      ['HSETEX h KEEPTTL FIELDS 2 a 4 b 4', 1],
      ['HTTL h FIELDS 2 a b', [-1, 10]],
      ['HSETEX h FIELDS 1 b 5', 1],
      ['HTTL h FIELDS 1 b', [-1]],
      ['HSETEX h PXAT 1 FIELDS 1 a 5', 1],
      ['HGETALL h', { b: '5' }],
      ['HSETEX h PX 0 FIELDS 1 b 5', 1],
      ['EXISTS h', 0],
      ['HSETEX h PX 0 FIELDS 1 b 5', 1],
      ['EXISTS h', 0],
      ['HSETEX h FXX FIELDS 1 b 5', 0],
    ]);
  });

  it('say what is wrong with their arguments', () => {
    c.line('HSET h a 1');
    expectReplies([
      [
        'HGETEX h EX 1 PX 1 FIELDS 1 a',
        new Error('ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified'),
      ],
      [
        'HSETEX h EX 1 KEEPTTL FIELDS 1 a 1',
        new Error('ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified'),
      ],
      ['HSETEX h FNX FXX FIELDS 1 a 1', new Error('ERR Only one of FXX or FNX arguments can be specified')],
      ['HGETEX h FNX FIELDS 1 a', new Error('ERR unknown argument: FNX')],
      ['HGETEX h EX 1 NOSUCH 1 a', new Error('ERR unknown argument: NOSUCH')],
      ['HGETEX h FIELDS x a', new Error('ERR invalid number of fields')],
      [
        'HSETEX h FIELDS 2 a 1 b',
        new Error('ERR The `numfields` parameter must match the number of arguments'),
      ],
      ['HGETEX h EX x FIELDS 1 a', notAnInteger],
      ['HGETEX h FIELDS 1 a EX', new Error('ERR missing expire time')],
    ]);
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
