import type { Snapshots } from '@holdfast/engine';
import { describe, expect, it } from 'vitest';
import { LocalServer } from '../testing/index.js';

class FakeSnapshots implements Snapshots {
  isRunning = false;
  lastFinishedMs = 0;
  savedWrites = 0;
  finish: () => void = () => {};
  fail: (error: Error) => void = () => {};

  #running: Promise<void> = Promise.resolve();

  take(): Promise<void> {
    if (this.isRunning) return this.#running;
    this.isRunning = true;
    this.#running = new Promise((resolve, reject) => {
      this.finish = () => {
        this.isRunning = false;
        this.lastFinishedMs = 1_700_000_000_000;
        resolve();
      };
      this.fail = reject;
    });
    return this.#running;
  }
}

/** Lets promises that are settled call their listeners. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

describe('SAVE and SHUTDOWN', () => {
  it('say that nothing is kept when it is not', () => {
    const client = new LocalServer().client();
    for (const line of ['SAVE', 'BGSAVE', 'BGREWRITEAOF']) {
      expect(client.line(line)).toMatchObject({
        message: expect.stringContaining('no directory to save to'),
      });
    }
    expect(client.line('SHUTDOWN SAVE')).toEqual(new Error('ERR Errors trying to SHUTDOWN. Check logs.'));
    expect(client.line('SHUTDOWN ABORT')).toEqual(new Error('ERR No shutdown in progress.'));
  });

  it('wait for the snapshot', async () => {
    const snapshots = new FakeSnapshots();
    const server = new LocalServer(1, undefined, { snapshots });
    const [a, b] = [server.client(), server.client()];
    expect(a.line('SAVE')).toBeUndefined();
    expect(b.line('BGSAVE')).toEqual(new Error('ERR Background save already in progress'));
    expect(b.line('BGREWRITEAOF')).toBe('Background append only file rewriting scheduled');
    expect(String(b.line('INFO persistence'))).toContain('rdb_bgsave_in_progress:1');
    snapshots.finish();
    await settled();
    expect(a.take()).toBe('OK');
    expect(b.line('LASTSAVE')).toBe(1_700_000_000);
    expect(b.line('BGSAVE')).toBe('Background saving started');
    snapshots.finish();
    a.line('SAVE');
    snapshots.fail(new Error('the disk is full'));
    await settled();
    expect(a.take()).toEqual(new Error('ERR the disk is full'));
  });

  it('end the server, with a snapshot only when asked', async () => {
    const ended: boolean[] = [];
    const snapshots = new FakeSnapshots();
    const server = new LocalServer(1, undefined, { snapshots, onShutdown: (save) => ended.push(save) });
    const client = server.client();
    client.line('SHUTDOWN NOSAVE');
    expect([ended, client.isClosed]).toEqual([[false], true]);
    server.client().line('SHUTDOWN SAVE');
    expect(ended).toEqual([false]);
    snapshots.finish();
    await settled();
    expect(ended).toEqual([false, true]);
  });
});
