import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { readSettings } from './settings.js';
import { StorageNode } from './storage-node.js';

it('a node began empty where a restore was killed between its renames', async () => {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-node-'));
  try {
    const directory = join(root, 'data');
    mkdirSync(`${directory}.replaced`);
    // Nothing listens there: it says so before it asks.
    const settings = readSettings(['--node', 'n1', '--dir', directory, '--etcd', '127.0.0.1:1'], {});
    const starting = StorageNode.start(settings, systemEnv(), pino({ level: 'silent' }), () => {});
    await expect(starting).rejects.toThrow(
      'data.replaced is there: kvctl restore --replace was not finished',
    );
    expect(existsSync(directory)).toBe(false);
  } finally {
    rmSync(root, { recursive: true });
  }
});
