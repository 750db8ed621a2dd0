import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
const notASketch = new Error('WRONGTYPE Key is not a valid HyperLogLog string value.');
const corrupt = new Error('INVALIDOBJ Corrupted HLL object detected');

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
  c.line('LPUSH list a');
});

/** Each line's command has the reply beside it. */
function hexOf(key: string): string {
  return Buffer.from(c.run('GET', key) as string, 'latin1').toString('hex');
}

function addMany(key: string, from: number, to: number): void {
  for (let i = from; i < to; i += 100) {
    c.run('PFADD', key, ...Array.from({ length: Math.min(100, to - i) }, (_, n) => `element:${i + n}`));
  }
}

/** The registers of seven elements, as redis-server 7.2 writes them. */
const seven = '466d80560c80443c84388050b184498c80426d80425a';

describe('PFADD and PFCOUNT', () => {
  it('write the bytes that Redis writes, the cardinality among them once it is known', () => {
    c.expectReplies([
      ['PFADD h a b c d e f g', 1],
      ['PFADD h g f e', 0],
      ['OBJECT ENCODING h', 'raw'],
    ]);
    expect(hexOf('h')).toBe(`48594c4c010000000000000000000080${seven}`);
    expect(c.line('PFCOUNT h')).toBe(7);
    expect(hexOf('h')).toBe(`48594c4c010000000700000000000000${seven}`);
    expect(c.line('PFDEBUG DECODE h')).toBe(
      'Z:1646 v:1,1 Z:5645 v:1,1 Z:1085 v:2,1 z:57 v:1,1 Z:4274 v:2,1 Z:2445 v:1,1 Z:622 v:1,1 Z:603',
    );
  });

  it('take a short string that was set for their own, as Redis does: it is raw from then on', () => {
    const empty = Buffer.concat([Buffer.from('HYLL\x01'), Buffer.alloc(11), Buffer.from([0x7f, 0xff])]);
    for (const command of ['PFCOUNT h', 'PFADD h', 'PFADD h a']) {
      c.run('SET', 'h', empty);
      expect(c.line('OBJECT ENCODING h')).toBe('embstr');
      c.line(command);
      expect(c.line('OBJECT ENCODING h')).toBe('raw');
    }
  });

  it('make a sketch of no elements, and count what is missing as none', () => {
    c.expectReplies([
      ['PFADD h', 1],
      ['PFADD h', 0],
      ['PFCOUNT h', 0],
      ['PFDEBUG DECODE h', 'Z:16384'],
      ['PFCOUNT missing', 0],
      ['PFCOUNT missing h', 0],
      ['EXISTS missing', 0],
    ]);
  });

  it('go over to the dense form when the sparse one gets too long, for good', () => {
    addMany('h', 0, 1000);
    expect(c.line('PFDEBUG ENCODING h')).toBe('sparse');
    addMany('h', 1000, 3000);
    c.expectReplies([
      ['PFDEBUG ENCODING h', 'dense'],
      ['STRLEN h', 12304],
      ['PFCOUNT h', 3002],
      ['CONFIG SET hll-sparse-max-bytes 30', 'OK'],
    ]);
    addMany('short', 0, 20);
    expect(c.line('PFDEBUG ENCODING short')).toBe('dense');
  });

  it('count the union of several without changing them', () => {
    addMany('a', 0, 600);
    addMany('b', 300, 3000);
    const before = [hexOf('a'), hexOf('b')];
    const union = c.line('PFCOUNT a missing b');
    expect([hexOf('a'), hexOf('b')]).toEqual(before);
    addMany('both', 0, 3000);
    expect(c.line('PFCOUNT both')).toBe(union);
  });

  it('keep the expiry, and break a WATCH only by a change', () => {
    c.expectReplies([
      ['PFADD h a', 1],
      ['PEXPIRE h 5000', 1],
      ['PFADD h b', 1],
      ['PTTL h', 5000],
      ['WATCH h', 'OK'],
    ]);
    server.client().line('PFADD h a');
    c.expectReplies([
      ['MULTI', 'OK'],
      ['PFCOUNT h', 'QUEUED'],
      ['EXEC', [2]],
    ]);
  });
});

describe('PFMERGE', () => {
  it('merges into what is there, dense as soon as one of them is', () => {
    addMany('a', 0, 100);
    addMany('b', 100, 200);
    c.expectReplies([
      ['PFMERGE d a missing', 'OK'],
      ['PFMERGE d b', 'OK'],
      ['PFDEBUG ENCODING d', 'sparse'],
      ['PFDEBUG TODENSE b', 1],
      ['PFDEBUG TODENSE b', 0],
      ['PFMERGE e a b', 'OK'],
      ['PFDEBUG ENCODING e', 'dense'],
      ['PFMERGE new', 'OK'],
      ['PFCOUNT new', 0],
    ]);
    expect(c.line('PFDEBUG GETREG d')).toEqual(c.line('PFDEBUG GETREG e'));
    expect(c.line('PFCOUNT d')).toBe(c.line('PFCOUNT a b'));
  });
});

describe('what is no sketch', () => {
  it('is told apart from what is no string', () => {
    c.line('SET k hello');
    for (const command of ['PFADD', 'PFCOUNT', 'PFMERGE', 'PFCOUNT missing', 'PFMERGE missing']) {
      c.expectReplies([
        [`${command} k`, notASketch],
        [`${command} list`, wrongType],
      ]);
    }
    c.expectReplies([
      ['EXISTS missing', 0],
      ['PFDEBUG ENCODING missing', new Error('ERR The specified key does not exist')],
      ['PFDEBUG ENCODING k', notASketch],
    ]);
  });

  it('has another head, or another length', () => {
    c.line('PFADD h a b c');
    for (const [at, byte] of [
      [0, 'h'],
      [4, '\x02'],
      [4, '\x00'],
    ] as const) {
      c.line('COPY h k REPLACE');
      c.run('SETRANGE', 'k', at, byte);
      expect(c.line('PFCOUNT k')).toEqual(notASketch);
    }
    addMany('dense', 0, 3000);
    c.line('APPEND dense x');
    expect(c.line('PFADD dense a')).toEqual(notASketch);
  });

  it('is found out by its runs, and then nothing is changed', () => {
    c.line('PFADD h a b c');
    c.line('APPEND h hello');
    const before = hexOf('h');
    c.expectReplies([
      ['PFCOUNT h', corrupt],
      ['PFCOUNT h missing', corrupt],
      ['PFMERGE d h', corrupt],
      ['EXISTS d', 0],
      ['PFDEBUG GETREG h', corrupt],
      ['PFDEBUG TODENSE h', corrupt],
    ]);
    expect(hexOf('h')).toBe(before);
    // The last run is cut in half.
    c.run(
      'SET',
      'cut',
      Buffer.concat([Buffer.from('HYLL\x01'), Buffer.alloc(10), Buffer.from([0x80, 0x7f])]),
    );
    c.expectReplies([
      ['PFADD cut a b c', corrupt],
      ['PFCOUNT cut', corrupt],
      ['PFMERGE d cut', corrupt],
      ['PFDEBUG DECODE cut', 'Z:16129'],
    ]);
    c.run('SET', 'long', Buffer.concat([Buffer.from('HYLL\x01'), Buffer.alloc(50_000)]));
    c.expectReplies([
      ['PFADD long a', corrupt],
      ['PFDEBUG ENCODING long', corrupt],
      ['PFCOUNT long', 0],
    ]);
  });

  it('says the smallest integer when all registers are as large as can be', () => {
    const bytes = Buffer.alloc(12304, 0xff);
    bytes.set(Buffer.from('HYLL\x00'));
    c.run('SET', 'full', bytes);
    expect(c.line('PFCOUNT full')).toBe(-(2n ** 63n));
  });
});

it('tells those who watch of a merge that changed nothing', () => {
  const other = server.client();
  c.line('PFADD h a b');
  c.line('PFMERGE h');
  other.line('WATCH h');
  c.line('PFADD h a');
  other.line('MULTI');
  expect(other.line('EXEC')).toEqual([]);
  other.line('WATCH h');
  c.line('PFMERGE h');
  other.line('MULTI');
  expect(other.line('EXEC')).toBe(null);
});

it('tests itself', () => {
  c.expectReplies([
    ['PFSELFTEST', 'OK'],
    ['PFADD h a', 1],
    ['PFDEBUG NOTHING h', new Error("ERR Unknown PFDEBUG subcommand 'NOTHING'")],
    ['PFDEBUG ENCODING h x', new Error("ERR wrong number of arguments for 'pfdebug' command")],
  ]);
});
