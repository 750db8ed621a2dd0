import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SmallDisk } from './small-disk.js';

const megabyte = 1024 * 1024;

const isMounted = (path: string) => readFileSync('/proc/mounts', 'utf8').includes(` ${path} `);

describe.runIf(SmallDisk.isAvailable())('SmallDisk', () => {
  it('is full when it is, and has room again', () => {
    const disk = SmallDisk.mount(4 * megabyte);
    try {
      const file = join(disk.path, 'data');
      writeFileSync(file, 'kept');
      disk.fill();
      expect(disk.freeBytes).toBe(0);
      expect(() => writeFileSync(join(disk.path, 'more'), new Uint8Array(megabyte))).toThrow('ENOSPC');
      disk.free();
      writeFileSync(join(disk.path, 'more'), new Uint8Array(megabyte));
      disk.fill(64 * 1024);
      expect(disk.freeBytes).toBe(64 * 1024);
      disk.resize(8 * megabyte);
      expect(disk.freeBytes).toBeGreaterThan(3 * megabyte);
      expect(readFileSync(file, 'utf8')).toBe('kept');
    } finally {
      disk.unmount();
    }
    expect(existsSync(disk.path)).toBe(false);
    expect(isMounted(disk.path)).toBe(false);
    disk.unmount();
  });

  it('of a test that was killed is unmounted by the next one', () => {
    const script = `
      const { mkdtempSync } = require('fs');
      const { spawnSync } = require('child_process');
      const path = mkdtempSync(require('os').tmpdir() + '/small-disk-' + process.pid + '-');
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]);
      console.log(path);`;
    const path = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout.trim();
    expect(isMounted(path)).toBe(true);
    const disk = SmallDisk.mount(megabyte);
    expect(isMounted(path)).toBe(false);
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(disk.path)).toEqual([]);
    disk.unmount();
  });

  it('that was written to once more below was never removed, and no disk could be mounted', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const path = mkdtempSync(join(tmpdir(), `small-disk-${pid}-`));
    writeFileSync(join(path, 'left'), 'x');
    SmallDisk.mount(megabyte).unmount();
    expect(existsSync(path)).toBe(false);
  });
});
