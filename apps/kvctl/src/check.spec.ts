/** The data of one server, without it. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import { openLocalStack } from '@holdfast/coord';
import { StackClient } from '@holdfast/coord/testing';
import { NodeDisk } from '@holdfast/log';
import { emptyKeptIn } from '@holdfast/storage/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kvctl } from './testing/kvctl.js';

const disk = new NodeDisk();
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-kvctl-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const openServer = (storage: 'memory' | 'level') =>
  openLocalStack({ env: systemEnv(), disk, storage, log: 'file', fsync: 'always', directory });

describe('kvctl check', () => {
  it('finds a whole directory whole', async () => {
    await (await openServer('level')).close();
    const { code, out } = await kvctl('check', directory);
    expect([code, out]).toEqual([0, expect.stringContaining(`${directory}: whole`)]);
    const { isDamaged, damages } = JSON.parse((await kvctl('check', directory, '--json')).out);
    expect([isDamaged, damages]).toEqual([false, []]);
  });

  it('names the file that is damaged, and ends with 1', async () => {
    await (await openServer('memory')).close();
    const [segment] = (await readdir(join(directory, 'log'))).filter((name) => name.startsWith('0'));
    const path = join(directory, 'log', segment);
    const bytes = await readFile(path);
    bytes[8] ^= 1;
    await writeFile(path, bytes);
    const { code, out } = await kvctl('check', directory);
    expect([code, out]).toEqual([1, expect.stringContaining(`damaged  ${path}`)]);
  });

  it('names keys of level storage that the next start would take for absent, and ends with 1', async () => {
    const server = await openServer('level');
    await new StackClient(server).line('SET k v');
    await server.storage.flush();
    await server.close();
    expect(await kvctl('check', directory)).toMatchObject({ code: 0 });
    expect(await emptyKeptIn(join(directory, 'level'))).toBe(1);
    const { code, out } = await kvctl('check', directory);
    expect([code, out]).toEqual([1, expect.stringMatching(/damaged {2}.*database 0, key "k".* lacks it/)]);
  });

  it('reads an append-only log of Redis, which is a directory too', async () => {
    await writeFile(join(directory, 'a.manifest'), 'file a.1.incr.aof seq 1 type i\n');
    await writeFile(join(directory, 'a.1.incr.aof'), '*1\r\n$4\r\nPING\r\n');
    expect(await kvctl('check', directory)).toMatchObject({ code: 0, out: expect.stringContaining('whole') });
    await writeFile(join(directory, 'a.1.incr.aof'), '*1\r\n$x\r\nPING\r\n');
    expect(await kvctl('check', directory)).toMatchObject({
      code: 1,
      out: expect.stringContaining('damaged'),
    });
  });

  it('takes a text that begins with a hash for no log that was cut short', async () => {
    const path = join(directory, 'readme.md');
    await writeFile(path, '# Our data\n\nis elsewhere.\n');
    for (const argv of [
      ['check', path],
      ['import', path, join(directory, 'imported')],
    ]) {
      const { code, error, out } = await kvctl(...argv);
      expect([code, out + error]).toEqual([
        1,
        expect.stringContaining('readme.md, offset 0: bad file format'),
      ]);
    }
    expect(await disk.exists(join(directory, 'imported'))).toBe(false);
  });

  it('does not look at a directory that a server has, and says who it is', async () => {
    const server = await openServer('memory');
    const { code, error } = await kvctl('check', directory);
    expect([code, error]).toEqual([1, expect.stringMatching(/is in use by process \d+: stop it first/)]);
    await server.close();
  });
});
