import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Recording, readTree } from './recording.js';
import { parseCalls } from './system-calls.js';

const seeds = Array.from({ length: 40 }, (_, i) => i + 1);

describe('a power cut', () => {
  let root: string;
  let count = 0;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-recording-'));
  });
  afterAll(() => rm(root, { recursive: true }));

  /** Each state that a cut before `line` may leave of what was done in /d, as texts by name. */
  async function statesAt(
    line: number,
    lines: readonly string[],
    before: [string, string][] = [],
  ): Promise<Set<string>> {
    // Syncs are those of another thread.
    const record = lines
      .map((text, i) => `${text.includes('fdatasync') ? 8 : 7}  1.${String(i).padStart(6, '0')} ${text}`)
      .join('\n');
    const files = new Map(before.map(([name, text]) => [`/d/${name}`, Buffer.from(text)]));
    const recording = new Recording(parseCalls(Buffer.from(`${record}\n`)), '/d', files);
    const states = new Set<string>();
    for (const seed of seeds) {
      const target = join(root, String(++count));
      await recording.leave(recording.cutAt(line), seed, target, 'log');
      const left = [...(await readTree(target))].map(
        ([path, bytes]) => `${relative(target, path)}=${bytes.toString('latin1')}`,
      );
      states.add(left.sort().join(' '));
    }
    return states;
  }

  const replaced = [
    'openat(AT_FDCWD, "/d/new", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 5',
    'write(5, "ab", 2) = 2',
    'fdatasync(5) = 0',
    'close(5) = 0',
    'rename("/d/new", "/d/a") = 0',
    'openat(AT_FDCWD, "/d", O_RDONLY) = 5',
    'fsync(5) = 0',
    'close(5) = 0',
  ];

  it('leaves the old name or the new one, and all that was synced', async () => {
    expect(await statesAt(6, replaced, [['a', 'x']])).toEqual(new Set(['a=x', 'a=x new=ab', 'a=ab']));
    expect(await statesAt(7, replaced, [['a', 'x']])).toEqual(new Set(['a=ab']));
  });

  it('takes what was not synced, in part or whole', async () => {
    const states = await statesAt(2, replaced, [['new', '']]);
    for (const state of ['new=', 'new=ab']) expect([...states]).toContain(state);
  });

  it('may bring back what was removed, until the directory is synced', async () => {
    const lines = [
      'unlink("/d/a") = 0',
      'openat(AT_FDCWD, "/d", O_RDONLY) = 5',
      'fsync(5) = 0',
      'close(5) = 0',
    ];
    expect(await statesAt(2, lines, [['a', 'x']])).toEqual(new Set(['a=x', '']));
    expect(await statesAt(3, lines, [['a', 'x']])).toEqual(new Set(['']));
  });

  it('does not take a sync for one of what was written while it went on', async () => {
    const lines = [
      'openat(AT_FDCWD, "/d/a", O_RDWR) = 5',
      'fdatasync(5 <unfinished ...>',
      'pwrite64(5, "y", 1, 1) = 1',
      '<... fdatasync resumed>) = 0',
      'close(5) = 0',
    ];
    const states = await statesAt(5, lines, [['a', 'x']]);
    expect([...states]).toContain('a=x');
    expect([...states]).toContain('a=xy');
  });

  it('knows of a directory that was empty before by what is opened in it', async () => {
    const lines = [
      'openat(AT_FDCWD, "/d/log/a", O_RDWR|O_CREAT) = 5',
      'openat(AT_FDCWD, "/d/log", O_RDONLY) = 6',
      'fsync(6) = 0',
      'close(6) = 0',
    ];
    expect(await statesAt(3, lines)).toEqual(new Set(['log/a=']));
  });

  it('is refused where it is not known what was done', async () => {
    const lines = ['openat(AT_FDCWD, "/d/a", O_RDWR|O_CREAT) = 5', 'fallocate(5, 0, 0, 4096) = 0'];
    await expect(statesAt(2, lines)).rejects.toThrow('fallocate of /d/a');
  });
});
