import { describe, expect, it } from 'vitest';
import { parseCalls } from './system-calls.js';

const parse = (...lines: string[]) => parseCalls(Buffer.from(`${lines.join('\n')}\n`, 'latin1'));

describe('a record of strace', () => {
  it('has the bytes of a write, however they are spelled', () => {
    const [call] = parse(
      String.raw`7  1795718856.748813 pwrite64(18, "\0\1\0020\377\"\\\n\t\r\v\f\7\33x, ) = 3", 16, 5) = 16`,
    );
    expect(call).toMatchObject({ name: 'pwrite64', begin: 0, end: 0, result: 16, timeMs: 1795718856748.813 });
    const text = Buffer.from([
      0,
      1,
      2,
      48,
      255,
      34,
      92,
      10,
      9,
      13,
      11,
      12,
      7,
      27,
      ...Buffer.from('x, ) = 3'),
    ]);
    expect(call.args).toEqual(['18', text, '16', '5']);
  });

  it('has zeros, and what begins with them', () => {
    const texts = [String.raw`"\0\0\0"`, String.raw`"\0\0\""`, '""', String.raw`"\0\0001"`];
    const calls = parse(...texts.map((text) => `7  1.5 write(18, ${text}, 3) = 3`));
    expect(calls.map(({ args }) => [...(args[1] as Buffer)])).toEqual([
      [0, 0, 0],
      [0, 0, 34],
      [],
      [0, 0, 49],
    ]);
  });

  it('has calls that others came between, and those that never ended', () => {
    const calls = parse(
      '7  1.500000 fdatasync(18 <unfinished ...>',
      '8  1.600000 writev(4, [{iov_base="a\\"", iov_len=2}, {iov_base="b", iov_len=1}], 2) = 3',
      '9  1.650000 fsync(5 <unfinished ...>',
      '7  1.700000 <... fdatasync resumed>) = 0',
      '8  1.800000 unlink("/d/a") = -1 ENOENT (No such file or directory)',
      '8  1.900000 +++ killed by SIGKILL +++',
    );
    expect(calls.map(({ name, begin, end, result }) => [name, begin, end, result])).toEqual([
      ['fdatasync', 0, 3, 0],
      ['writev', 1, 1, 3],
      ['fsync', 2, Number.POSITIVE_INFINITY, Number.NaN],
      ['unlink', 4, 4, -1],
    ]);
    expect(calls[1].args).toEqual(['4', [Buffer.from('a"'), Buffer.from('b')], '2']);
  });

  it('is refused when it does not have all bytes', () => {
    expect(() => parse('7  1.5 write(18, "abc"..., 500) = 500')).toThrow('left out bytes');
  });
});
