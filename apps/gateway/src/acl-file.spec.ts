import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeDisk } from '@holdfast/log';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { aclFileAt } from './acl-file.js';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-acl-'));
  path = join(directory, 'users.acl');
});
afterEach(() => rmSync(directory, { recursive: true }));

it('a new one is for its owner alone, an old one stays with those who could read it', () => {
  const file = aclFileAt(new NodeDisk(), path)!;
  file.write('user é on\n');
  expect([file.read(), statSync(path).mode & 0o777]).toEqual(['user é on\n', 0o600]);
  chmodSync(path, 0o644);
  file.write('user b on\n');
  expect([file.read(), statSync(path).mode & 0o777]).toEqual(['user b on\n', 0o644]);
  expect(readdirSync(directory)).toEqual(['users.acl']);
});

it('one that could not be replaced left a file of its process beside', () => {
  writeFileSync(path, 'user a on\n');
  const disk = new NodeDisk();
  disk.rename = () => {
    throw new Error('ENOSPC');
  };
  expect(() => aclFileAt(disk, path)!.write('user b on\n')).toThrow('ENOSPC');
  expect(readFileSync(path, 'latin1')).toBe('user a on\n');
  expect(readdirSync(directory)).toEqual(['users.acl']);
});
