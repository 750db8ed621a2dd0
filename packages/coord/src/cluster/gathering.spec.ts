import { ErrorReply } from '@holdfast/common';
import { describe, expect, it } from 'vitest';
import { Gathering, type RawArray } from './gathering.js';
import type { Run, RunOwner } from './run.js';

/** A shard's reply, in pieces as they came. */
function reply(part: RunOwner, ...pieces: string[]): void {
  for (const [i, piece] of pieces.entries()) {
    const bytes = Buffer.from(`junk${piece}junk`);
    const run = { isComplete: i === pieces.length - 1 } as Run;
    part.answered(run, 1, bytes, 4, piece.length, i);
    bytes.fill(0);
  }
}

describe('Gathering of arrays', () => {
  it('takes no element apart, however many there are, and keeps what was sent', () => {
    let values: readonly (RawArray | ErrorReply | null)[] = [];
    const gathering = Gathering.ofArrays((given) => {
      values = given;
    });
    const parts = [gathering.add(), gathering.add(), gathering.add()];
    gathering.sent();
    const elements = '$1\r\na\r\n'.repeat(1000);
    reply(parts[1], `*1000\r\n${elements}`);
    reply(parts[0], '*0\r\n');
    expect(values).toEqual([]);
    reply(parts[2], '*1\r\n$2\r', '\nbc\r\n');
    expect(values).toEqual([
      { count: 0, elements: Buffer.alloc(0) },
      { count: 1000, elements: Buffer.from(elements) },
      { count: 1, elements: Buffer.from('$2\r\nbc\r\n') },
    ]);
  });

  it('knows an error of a shard, and one of the way there', () => {
    let values: readonly unknown[] = [];
    const gathering = Gathering.ofArrays((given) => {
      values = given;
    });
    const parts = [gathering.add(), gathering.add()];
    gathering.sent();
    reply(parts[0], '-NOPERM no\r\n');
    parts[1].failed({} as Run, 'TRYAGAIN no leader');
    expect(values).toEqual([new ErrorReply('NOPERM no'), new ErrorReply('TRYAGAIN no leader')]);
  });
});
