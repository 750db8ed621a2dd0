/** A real server on a disk that is full: it refuses writes with a reason, goes on reading, and recovers by itself. */
import { SmallDisk } from '@holdfast/testing/faults';
import { describe, expect, it } from 'vitest';
import { pause, startGateway } from './server.js';
import { WireClient } from './wire-client.js';

const megabyte = 1024 * 1024;
const deadlineMs = 30_000;
const firstKeys = 8;
/** Two files of the log, and a set on its way to LevelDB, fit once there is room. */
const diskBytes = 256 * megabyte;
const value = (i: number): string => `${i} ${'x'.repeat(megabyte)}`;

/** Calls until it is so. */
async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const untilMs = Date.now() + deadlineMs;
  while (!(await isSo())) {
    if (Date.now() > untilMs) throw new Error(`not in time: ${what}`);
    await pause(50);
  }
}

describe.skipIf(!SmallDisk.isAvailable()).each([
  { name: 'memory storage', own: { storage: 'memory' } },
  { name: 'level storage', own: { storage: 'level' } },
  // What is read comes from LevelDB, whose writes failed.
  {
    name: 'level storage that keeps next to nothing in memory',
    own: { storage: 'level', 'cache-bytes': '1' },
  },
])('a server of $name on a full disk', ({ own }) => {
  it('refuses writes, reads on, recovers by itself, and has lost nothing', async () => {
    const disk = SmallDisk.mount(diskBytes);
    const settings = { ...own, log: 'file', fsync: 'always', dir: `${disk.path}/data` };
    let { address, process } = await startGateway(settings);
    try {
      let client = await WireClient.connect(address);
      const known = new Set<number>();
      let next = 0;
      const waiting: Promise<unknown>[] = [];
      // What the log refused first is kept and tried again: its client waits, and those after it are told.
      const write = async (): Promise<string> => {
        const i = next++;
        const writer = await WireClient.connect(address);
        const reply = writer.call('SET', `key ${i}`, value(i)).then(({ text, type }) => {
          if (type === '+') known.add(i);
          writer.close();
          return text ?? '';
        });
        waiting.push(reply);
        return Promise.race([reply, pause(1000).then(() => 'waits')]);
      };
      for (let i = 0; i < firstKeys; i++) expect(await write()).toBe('OK');
      // What level storage has on the disk may leave memory.
      if (own.storage === 'level') await client.call('SAVE');
      disk.fill();
      // What was prepared for the log before takes some.
      await until(async () => (await write()) !== 'OK', 'a write is refused');
      await until(async () => /^MISCONF/.test(await write()), 'a write is refused with a reason');
      expect(await write()).toMatch(/^MISCONF Errors writing to the (log|disk): .*no space left/i);
      for (let i = 0; i < firstKeys; i++) expect((await client.call('GET', `key ${i}`)).text).toBe(value(i));
      expect((await client.call('PING')).text).toBe('PONG');
      disk.free();
      await until(async () => (await write()) === 'OK', 'writes are taken again');
      await Promise.all(waiting);
      client.close();
      await process.kill();
      ({ address, process } = await startGateway(settings));
      client = await WireClient.connect(address);
      for (const i of known)
        expect((await client.call('GET', `key ${i}`)).text?.length).toBe(value(i).length);
      client.close();
      expect(await process.stop()).toBe(0);
    } finally {
      await process.kill();
      disk.unmount();
    }
  }, 120_000);
});
