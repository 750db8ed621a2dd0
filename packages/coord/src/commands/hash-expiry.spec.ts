import { MutationWriter } from '@holdfast/storage';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

const notAnInteger = new Error('ERR value is not an integer or out of range');

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

describe('fields that expire', () => {
  const nowSeconds = () => Math.floor(server.env.clock.now() / 1000);

  it('are set, read and made to stay again', () => {
    c.line('HSET h a 1 b 2 c 3');
    const at = nowSeconds() + 50;
    c.expectReplies([
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
    c.expectReplies([
      ['HLEN h', 2],
      ['HGET h a', null],
      ['HGETALL h', { b: '2', c: '3' }],
      ['HSCAN h 0', ['0', ['b', '2', 'c', '3']]],
    ]);
    server.env.jumpClock(100);
    c.expectReplies([
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
    c.expectReplies([
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
    const events = server.eventsOf(() => {
      c.expectReplies([
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
    c.expectReplies([
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
    const events = server.eventsOf(() => {
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
    c.expectReplies([
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
    c.expectReplies([
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
    c.expectReplies([
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
    c.expectReplies([
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
