import { SeededRandom } from '@holdfast/common/testing';
import { MutationWriter } from '@holdfast/storage';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { LocalServer, type Plain, type TestClient } from '../testing/index.js';

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
const notAnInteger = new Error('ERR value is not an integer or out of range');
const notPositive = new Error('ERR value is out of range, must be positive');
const syntaxError = new Error('ERR syntax error');
const noSuchKey = new Error('ERR no such key');

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
  c.line('SET string value');
});

function elements(key = 'l'): Plain | undefined {
  return c.line(`LRANGE ${key} 0 -1`);
}

/** Each line's command has the reply beside it. */
describe('LPUSH, RPUSH, LPUSHX, RPUSHX', () => {
  it('push one element after another at their end, and reply the length', () => {
    c.expectReplies([
      ['LPUSH l a b', 2],
      ['RPUSH l c d', 4],
      ['LPUSHX l e f', 6],
      ['RPUSHX l g', 7],
    ]);
    expect(elements()).toEqual(['f', 'e', 'b', 'a', 'c', 'd', 'g']);
  });

  it('create no list with X', () => {
    c.expectReplies([
      ['LPUSHX l a', 0],
      ['RPUSHX l a', 0],
      ['EXISTS l', 0],
    ]);
  });

  it.each(['LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX'])('%s leaves other types alone', (name) => {
    expect(c.line(`${name} string a`)).toEqual(wrongType);
  });

  it('keep binary, empty and huge elements', () => {
    const binary = Buffer.from([0, 255, 13, 10]);
    const huge = 'h'.repeat(600_000);
    c.run('RPUSH', 'l', binary, '', huge);
    expect(elements()).toEqual([binary.toString('latin1'), '', huge]);
  });
});

describe('LPOP and RPOP', () => {
  it('take elements from their end, and the key with the last', () => {
    c.line('RPUSH l a b c');
    c.expectReplies([
      ['LPOP l', 'a'],
      ['RPOP l', 'c'],
      ['LPOP l', 'b'],
      ['LPOP l', null],
      ['EXISTS l', 0],
    ]);
  });

  it('take several, as many as there are', () => {
    c.line('RPUSH l a b c d e');
    c.expectReplies([
      ['LPOP l 2', ['a', 'b']],
      ['RPOP l 0', []],
      ['RPOP l 100', ['e', 'd', 'c']],
      ['EXISTS l', 0],
    ]);
  });

  it('check the count before they look at the key', () => {
    c.expectReplies([
      ['LPOP string -1', notPositive],
      ['LPOP none x', notPositive],
      ['RPOP none 1.5', notPositive],
      ['LPOP string 1', wrongType],
      ['LPOP l 1 2', new Error("ERR wrong number of arguments for 'lpop' command")],
    ]);
  });
});

describe('null replies', () => {
  it.each([
    ['LPOP none', 'null'],
    ['LPOP none 1', 'nullArray'],
    ['LPOP none 0', 'nullArray'],
    ['RPOPLPUSH none l', 'null'],
    ['LMOVE none l LEFT LEFT', 'null'],
    ['LMPOP 1 none LEFT', 'nullArray'],
    ['LPOS none x', 'null'],
    ['LINDEX none 0', 'null'],
  ] as const)('%s is %s', (line, shape) => {
    const written = vi.spyOn(c.reply, shape);
    expect(c.line(line)).toBeNull();
    expect(written).toHaveBeenCalledOnce();
  });

  it.each([
    ['BLPOP none 1', 'nullArray', 'nullArray'],
    ['BLMPOP 1 1 none LEFT', 'nullArray', 'nullArray'],
    ['BLMOVE none l LEFT LEFT 1', 'nullArray', 'null'],
    ['BRPOPLPUSH none l 1', 'nullArray', 'null'],
  ] as const)('%s is %s after its time, %s in a transaction', (line, late, queued) => {
    const lateReply = vi.spyOn(c.reply, late);
    expect(c.line(line)).toBeUndefined();
    server.env.advance(1000);
    expect(c.take()).toBeNull();
    expect(lateReply).toHaveBeenCalledOnce();
    vi.restoreAllMocks();
    const queuedReply = vi.spyOn(c.reply, queued);
    c.line('MULTI');
    c.line(line);
    expect(c.line('EXEC')).toEqual([null]);
    expect(queuedReply).toHaveBeenCalledOnce();
  });
});

describe('LLEN, LINDEX and LRANGE', () => {
  beforeEach(() => {
    c.line('RPUSH l a b c d e');
  });

  it('count and index from both ends', () => {
    c.expectReplies([
      ['LLEN l', 5],
      ['LLEN none', 0],
      ['LLEN string', wrongType],
      ['LINDEX l 0', 'a'],
      ['LINDEX l -1', 'e'],
      ['LINDEX l 5', null],
      ['LINDEX l -6', null],
      ['LINDEX l 9223372036854775807', null],
    ]);
  });

  it('LINDEX looks at the key before the index', () => {
    c.expectReplies([
      ['LINDEX none x', null],
      ['LINDEX string x', wrongType],
      ['LINDEX l x', notAnInteger],
      ['LINDEX l 9223372036854775808', notAnInteger],
    ]);
  });

  it('LRANGE clips ranges', () => {
    c.expectReplies([
      ['LRANGE l 1 2', ['b', 'c']],
      ['LRANGE l -2 -1', ['d', 'e']],
      ['LRANGE l -100 100', ['a', 'b', 'c', 'd', 'e']],
      ['LRANGE l 3 1', []],
      ['LRANGE l 5 9', []],
      ['LRANGE l 0 -6', []],
      ['LRANGE l -9223372036854775808 9223372036854775807', ['a', 'b', 'c', 'd', 'e']],
      ['LRANGE none 0 1', []],
      ['LRANGE none x 1', notAnInteger],
      ['LRANGE string 0 1', wrongType],
    ]);
  });
});

describe('LSET', () => {
  it('replaces by index', () => {
    c.line('RPUSH l a b c');
    c.expectReplies([
      ['LSET l 0 x', 'OK'],
      ['LSET l -1 longer', 'OK'],
      ['LSET l 3 x', new Error('ERR index out of range')],
      ['LSET l -4 x', new Error('ERR index out of range')],
      ['LSET l x x', notAnInteger],
      ['LSET none x x', noSuchKey],
      ['LSET string x x', wrongType],
    ]);
    expect(elements()).toEqual(['x', 'b', 'longer']);
  });
});

describe('LINSERT', () => {
  it('inserts beside the first pivot', () => {
    c.line('RPUSH l a b a');
    c.expectReplies([
      ['LINSERT l BEFORE a x', 4],
      ['LINSERT l after b y', 5],
      ['LINSERT l AFTER none z', -1],
      ['LINSERT none AFTER a z', 0],
      ['LINSERT string AFTER a z', wrongType],
      ['LINSERT none BESIDE a z', syntaxError],
    ]);
    expect(elements()).toEqual(['x', 'a', 'b', 'y', 'a']);
    expect(c.line('LINSERT l AFTER a z')).toBe(6);
    c.line('RPUSH m only');
    expect(c.line('LINSERT m AFTER only last')).toBe(2);
    expect(elements('m')).toEqual(['only', 'last']);
  });
});

describe('LREM', () => {
  it('removes from the head, from the tail, or everywhere', () => {
    c.line('RPUSH l a b a c a d a');
    expect(c.line('LREM l 1 a')).toBe(1);
    expect(elements()).toEqual(['b', 'a', 'c', 'a', 'd', 'a']);
    expect(c.line('LREM l -2 a')).toBe(2);
    expect(elements()).toEqual(['b', 'a', 'c', 'd']);
    expect(c.line('LREM l 0 none')).toBe(0);
    c.line('RPUSH l a');
    expect(c.line('LREM l 0 a')).toBe(2);
    expect(elements()).toEqual(['b', 'c', 'd']);
  });

  it('removes the key with the last element', () => {
    c.line('RPUSH l a a');
    c.expectReplies([
      ['LREM l -5 a', 2],
      ['EXISTS l', 0],
      ['LREM l 0 a', 0],
      ['LREM l x a', notAnInteger],
      ['LREM string 0 a', wrongType],
    ]);
  });
});

describe('LTRIM', () => {
  it.each([
    ['1 3', ['b', 'c', 'd']],
    ['0 -2', ['a', 'b', 'c', 'd']],
    ['-2 -1', ['d', 'e']],
    ['-100 100', ['a', 'b', 'c', 'd', 'e']],
    ['2 2', ['c']],
    ['3 1', []],
    ['5 10', []],
    ['0 -6', []],
  ])('keeps %s', (range, kept) => {
    c.line('RPUSH l a b c d e');
    expect(c.line(`LTRIM l ${range}`)).toBe('OK');
    expect(elements()).toEqual(kept);
    expect(c.line('EXISTS l')).toBe(kept.length > 0 ? 1 : 0);
  });

  it('breaks WATCH where it removes nothing, but not where there is no list', () => {
    c.line('RPUSH l a b');
    const breaks = (line: string): boolean => {
      c.line('WATCH l none');
      server.client().line(line);
      c.line('MULTI');
      return c.line('EXEC') === null;
    };
    expect(['LTRIM l 0 -1', 'LTRIM l -9 9', 'LTRIM none 0 -1'].map(breaks)).toEqual([true, true, false]);
    expect(elements()).toEqual(['a', 'b']);
  });

  it('checks its arguments first', () => {
    c.expectReplies([
      ['LTRIM none x 1', notAnInteger],
      ['LTRIM none 0 1', 'OK'],
      ['LTRIM string 0 1', wrongType],
    ]);
  });
});

describe('LPOS', () => {
  beforeEach(() => {
    c.line('RPUSH l a b c 1 2 3 c c');
  });

  it('finds the first match, or that of a rank', () => {
    c.expectReplies([
      ['LPOS l a', 0],
      ['LPOS l c', 2],
      ['LPOS l c RANK 2', 6],
      ['LPOS l c RANK -1', 7],
      ['LPOS l c RANK -3', 2],
      ['LPOS l c RANK 4', null],
      ['LPOS l x', null],
      ['LPOS none a', null],
    ]);
  });

  it('finds several, within a number of comparisons', () => {
    c.expectReplies([
      ['LPOS l c COUNT 0', [2, 6, 7]],
      ['LPOS l c COUNT 2 RANK 2', [6, 7]],
      ['LPOS l c COUNT 2 RANK -1', [7, 6]],
      ['LPOS l x COUNT 1', []],
      ['LPOS none a COUNT 1', []],
      ['LPOS l c COUNT 0 MAXLEN 0', [2, 6, 7]],
      ['LPOS l c COUNT 0 MAXLEN 7', [2, 6]],
      ['LPOS l c COUNT 0 MAXLEN 2', []],
      ['LPOS l c RANK -1 COUNT 0 MAXLEN 2', [7, 6]],
      ['LPOS l c RANK 2 RANK 3', 7],
    ]);
  });

  it('checks its options before it looks at the key', () => {
    const zeroRank =
      "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";
    const range =
      'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807';
    c.expectReplies([
      ['LPOS string a RANK 0', new Error(zeroRank)],
      ['LPOS none a RANK -9223372036854775808', new Error(range)],
      ['LPOS none a RANK x', notAnInteger],
      ['LPOS none a COUNT -1', new Error("ERR COUNT can't be negative")],
      ['LPOS none a MAXLEN x', new Error("ERR MAXLEN can't be negative")],
      ['LPOS none a RANK', syntaxError],
      ['LPOS none a FOO 1', syntaxError],
      ['LPOS string a', wrongType],
    ]);
  });
});

describe('LMOVE and RPOPLPUSH', () => {
  it.each([
    ['LEFT LEFT', 'a', ['b', 'c'], ['a', 'x']],
    ['LEFT RIGHT', 'a', ['b', 'c'], ['x', 'a']],
    ['RIGHT LEFT', 'c', ['a', 'b'], ['c', 'x']],
    ['right right', 'c', ['a', 'b'], ['x', 'c']],
  ])('move %s', (sides, moved, source, target) => {
    c.line('RPUSH l a b c');
    c.line('RPUSH m x');
    expect(c.line(`LMOVE l m ${sides}`)).toBe(moved);
    expect(elements('l')).toEqual(source);
    expect(elements('m')).toEqual(target);
  });

  it('create the target and remove the empty source', () => {
    c.line('RPUSH l a');
    c.expectReplies([
      ['RPOPLPUSH l m', 'a'],
      ['EXISTS l', 0],
      ['LRANGE m 0 -1', ['a']],
      ['RPOPLPUSH l m', null],
    ]);
  });

  it('turn a list around', () => {
    c.line('RPUSH l a b c');
    c.expectReplies([
      ['RPOPLPUSH l l', 'c'],
      ['LRANGE l 0 -1', ['c', 'a', 'b']],
      ['LMOVE l l LEFT RIGHT', 'c'],
      ['LMOVE l l LEFT LEFT', 'a'],
      ['LRANGE l 0 -1', ['a', 'b', 'c']],
    ]);
    const large = 'x'.repeat(20_000);
    c.run('RPUSH', 'one', large);
    expect(c.line('RPOPLPUSH one one')).toBe(large);
    expect(elements('one')).toEqual([large]);
  });

  it('look at the source first, then at the target', () => {
    c.line('RPUSH l a');
    c.expectReplies([
      ['LMOVE none string LEFT LEFT', null],
      ['LMOVE string l LEFT LEFT', wrongType],
      ['LMOVE l string LEFT LEFT', wrongType],
      ['LMOVE l l UP LEFT', syntaxError],
      ['LRANGE l 0 -1', ['a']],
    ]);
  });
});

describe('LMPOP', () => {
  it('pops from the first list that is there', () => {
    c.line('RPUSH l a b c d');
    c.expectReplies([
      ['LMPOP 2 none l LEFT', ['l', ['a']]],
      ['LMPOP 2 none l RIGHT COUNT 2', ['l', ['d', 'c']]],
      ['LMPOP 1 l LEFT COUNT 100', ['l', ['b']]],
      ['LMPOP 1 l LEFT', null],
    ]);
  });

  it('checks its arguments', () => {
    c.line('RPUSH l a');
    c.expectReplies([
      ['LMPOP 0 l LEFT', new Error('ERR numkeys should be greater than 0')],
      ['LMPOP x l LEFT', new Error('ERR numkeys should be greater than 0')],
      ['LMPOP 2 l LEFT', syntaxError],
      ['LMPOP 9223372036854775807 l LEFT', syntaxError],
      ['LMPOP 1 l UP', syntaxError],
      ['LMPOP 1 l LEFT COUNT 0', new Error('ERR count should be greater than 0')],
      ['LMPOP 1 l LEFT COUNT', syntaxError],
      ['LMPOP 1 l LEFT COUNT 1 COUNT 1', syntaxError],
      ['LMPOP 2 string l LEFT', wrongType],
      ['LMPOP 2 l string LEFT', ['l', ['a']]],
    ]);
  });
});

describe('the blocking commands, when there is something', () => {
  beforeEach(() => {
    c.line('RPUSH l a b c d e f');
  });

  it('do as those that do not block', () => {
    c.expectReplies([
      ['BLPOP none l 0', ['l', 'a']],
      ['BRPOP l none 0', ['l', 'f']],
      ['BLMOVE l m LEFT RIGHT 0', 'b'],
      ['BRPOPLPUSH l m 0', 'e'],
      ['BLMPOP 0 2 none l RIGHT COUNT 5', ['l', ['d', 'c']]],
      ['LRANGE m 0 -1', ['e', 'b']],
    ]);
  });

  it('check their arguments', () => {
    const notAFloat = new Error('ERR timeout is not a float or out of range');
    const negative = new Error('ERR timeout is negative');
    const outOfRange = new Error('ERR timeout is out of range');
    c.expectReplies([
      ['BLPOP l x', notAFloat],
      ['BLPOP l nan', notAFloat],
      ['BLPOP l -1', negative],
      ['BLPOP l -inf', negative],
      ['BLPOP l inf', outOfRange],
      ['BLPOP l 9223372036854775807', outOfRange],
      ['BRPOP string l 0', wrongType],
      ['BRPOP l string 0', ['l', 'f']],
      ['BLMOVE l m UP LEFT x', syntaxError],
      ['BLMOVE l m LEFT LEFT x', notAFloat],
      ['BLMOVE string m LEFT LEFT 0', wrongType],
      ['BLMOVE l string LEFT LEFT 0', wrongType],
      ['BLMPOP x 0 l LEFT', new Error('ERR numkeys should be greater than 0')],
      ['BLMPOP x 1 l UP', syntaxError],
      ['BLMPOP x 1 l LEFT', notAFloat],
      ['BLMPOP 0 2 string l LEFT', wrongType],
    ]);
  });
});

describe('keyspace events of lists', () => {
  function eventsOf(...lines: string[]): string[] {
    return server.eventsOf(() => {
      for (const line of lines) c.line(line);
    });
  }

  it('are those of Redis, in its order', () => {
    expect(
      eventsOf(
        'RPUSH l a b c',
        'LPUSHX l x',
        'LSET l 0 y',
        'LINSERT l BEFORE y z',
        'LREM l 0 none',
        'LREM l 0 z',
        'LTRIM l 0 1',
        'LMOVE l m LEFT RIGHT',
        'LMOVE l m RIGHT LEFT',
        'BLPOP m 0',
        'RPOP m 5',
        'RPUSH l a',
        'LTRIM l 5 1',
        'RPUSH l a',
        'LREM l 0 a',
      ),
    ).toEqual([
      'rpush l',
      'lpush l',
      'lset l',
      'linsert l',
      'lrem l',
      'ltrim l',
      'rpush m',
      'lpop l',
      'lpush m',
      'rpop l',
      'del l',
      'lpop m',
      'rpop m',
      'del m',
      'rpush l',
      'ltrim l',
      'del l',
      'rpush l',
      'lrem l',
      'del l',
    ]);
  });
});

describe('OBJECT ENCODING of lists', () => {
  it('follows list-max-listpack-size', () => {
    c.line('CONFIG SET list-max-listpack-size 3');
    c.line('RPUSH l a b c');
    expect(c.line('OBJECT ENCODING l')).toBe('listpack');
    c.line('LMOVE l l LEFT RIGHT');
    expect(c.line('OBJECT ENCODING l')).toBe('listpack');
    c.line('RPUSH l d');
    expect(c.line('OBJECT ENCODING l')).toBe('quicklist');
    c.line('LTRIM l 1 1');
    expect(c.line('OBJECT ENCODING l')).toBe('listpack');
    c.line('CONFIG SET list-max-ziplist-size -2');
    c.run('RPUSH', 'm', 'x'.repeat(8000));
    expect(c.line('OBJECT ENCODING m')).toBe('listpack');
    c.run('LSET', 'm', '0', 'x'.repeat(8192));
    expect(c.line('OBJECT ENCODING m')).toBe('quicklist');
    c.line('LSET m -1 short');
    expect(c.line('OBJECT ENCODING m')).toBe('listpack');
  });
});

describe('list commands against an array', () => {
  it.each([1, 2, 3])('agree, and so does what their mutations build (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const below = (bound: number): number => random.uint32() % bound;
    const journal = new MutationWriter();
    server.storage.journal = journal;
    const model: string[] = [];
    const element = (): string => (below(3) > 0 ? `e${below(9)}` : 'x'.repeat(below(700)));
    const slice = (start: number, stop: number): string[] => {
      const [first, last] = [start, stop].map((index) => (index < 0 ? index + model.length : index));
      return model.slice(Math.max(first, 0), Math.max(last + 1, 0));
    };
    const steps: (() => [Plain | undefined, Plain])[] = [
      () => {
        const some = Array.from({ length: 1 + below(30) }, element);
        model.push(...some);
        return [c.run('RPUSH', 'l', ...some), model.length];
      },
      () => {
        const one = element();
        model.unshift(one);
        return [c.run('LPUSH', 'l', one), model.length];
      },
      () => [c.line('LPOP l'), model.shift() ?? null],
      () => {
        const count = 1 + below(40);
        return [c.line(`RPOP l ${count}`), model.length === 0 ? null : model.splice(-count).reverse()];
      },
      () => {
        const index = below(200) - 100;
        return [c.line(`LINDEX l ${index}`), model.at(index) ?? null];
      },
      () => {
        const at = model.indexOf('e1');
        if (model.length > 0 && at >= 0) model.splice(at, 0, 'new');
        return [c.line('LINSERT l BEFORE e1 new'), model.length === 0 ? 0 : at < 0 ? -1 : model.length];
      },
      () => {
        const before = model.length;
        const kept = model.filter((each) => each !== 'e2');
        model.splice(0, model.length, ...kept);
        return [c.line('LREM l 0 e2'), before - model.length];
      },
      () => {
        const start = below(150) - 75;
        const stop = below(150) - 75;
        return [c.line(`LRANGE l ${start} ${stop}`), slice(start, stop)];
      },
      () => {
        if (below(8) > 0) return [c.line('EXISTS none'), 0];
        const stop = below(120);
        model.splice(stop + 1);
        return [c.line(`LTRIM l 0 ${stop}`), 'OK'];
      },
      () => {
        const moved = model.pop() ?? null;
        if (moved !== null) model.unshift(moved);
        return [c.line('RPOPLPUSH l l'), moved];
      },
    ];
    for (let step = 0; step < 800; step++) {
      const [actual, expected] = steps[below(steps.length)]();
      expect(actual, `step ${step}`).toEqual(expected);
    }
    expect(elements()).toEqual(model);

    const replica = new LocalServer();
    replica.storage.apply(Buffer.from(journal.bytes.subarray(0, journal.length)), 1);
    expect(replica.client().line('LRANGE l 0 -1')).toEqual(model);
  });
});
