import { EventEmitter, once } from 'node:events';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeDisk } from '@holdfast/log';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { kvctl, type Result, signalled } from './testing/kvctl.js';

const codes = { SIGINT: 130, SIGTERM: 143 } as const;

type Signal = keyof typeof codes;

const keyCount = 1000;

let root: string;
let signals: EventEmitter;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-signal-'));
  signals = new EventEmitter();
});

afterEach(() => rm(root, { recursive: true }));

const place = (name: string): string => join(root, name);
const names = async (): Promise<string[]> => (await readdir(root)).sort();

function started(...argv: string[]): Promise<Result> {
  return signalled(signals, () => {}, argv);
}

function come(signal: Signal): void {
  expect(signals.listenerCount(signal)).toBe(1);
  signals.emit(signal, signal);
  // The next one ends the process.
  expect(Object.keys(codes).map((each) => signals.listenerCount(each))).toEqual([0, 0]);
}

/** Runs a command that gets a signal when it begins to make `name`. */
async function ended(signal: Signal, name: string, ...argv: string[]): Promise<Result> {
  let isSent = false;
  const look = (path: string): void => {
    if (isSent || !path.startsWith(place(name))) return;
    isSent = true;
    come(signal);
  };
  const { makeDirectory, open } = NodeDisk.prototype;
  const spies = [
    vi.spyOn(NodeDisk.prototype, 'open').mockImplementation((path, mode) => {
      look(path);
      return open(path, mode);
    }),
    vi.spyOn(NodeDisk.prototype, 'makeDirectory').mockImplementation(function (this: NodeDisk, path) {
      look(path);
      return makeDirectory.call(this, path);
    }),
  ];
  try {
    return await started(...argv);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** How a command ended that left nothing. */
const removed = (signal: Signal) => ({
  code: codes[signal],
  out: '',
  error: `kvctl: ended by ${signal}: what was not finished is removed\n`,
});

describe('a signal left what was not finished:', () => {
  beforeEach(async () => {
    const sets = Array.from({ length: keyCount }, (_, i) => {
      const key = String(i).padStart(9, '0');
      return `*3\r\n$3\r\nSET\r\n$9\r\n${key}\r\n$100\r\n${key.padEnd(100, 'x')}\r\n`;
    });
    await writeFile(place('source'), sets.join(''));
  });

  it.each(['memory', 'level'])('import into %s storage', async (storage) => {
    const importing = ['import', place('source'), place('data'), '--storage', storage];
    expect(await ended('SIGTERM', 'data.importing', ...importing)).toEqual(removed('SIGTERM'));
    expect(await names()).toEqual(['source']);
  });

  it.each(['backup', 'export'])('%s of a directory, which goes on as it was', async (what) => {
    await kvctl('import', place('source'), place('data'));
    expect(await ended('SIGINT', 'file.tmp', what, place('data'), place('file'))).toEqual(removed('SIGINT'));
    expect(await names()).toEqual(['data', 'source']);
    expect((await kvctl('check', place('data'))).code).toBe(0);
  });

  it.each(['memory', 'level'])('restore to %s storage, and what is there stays', async (storage) => {
    await kvctl('import', place('source'), place('data'));
    await kvctl('backup', place('data'), place('file'));
    const restoring = ['restore', place('file'), place('data'), '--replace', '--storage', storage];
    expect(await ended('SIGTERM', 'data.restoring', ...restoring)).toEqual(removed('SIGTERM'));
    expect(await names()).toEqual(['data', 'file', 'source']);
    expect((await kvctl('check', place('data'))).code).toBe(0);
  });

  it('not restore between its renames, which is finished', async () => {
    await kvctl('import', place('source'), place('data'));
    await kvctl('backup', place('data'), place('file'));
    const { rename } = NodeDisk.prototype;
    const renaming = vi.spyOn(NodeDisk.prototype, 'rename').mockImplementation((from, to) => {
      rename(from, to);
      if (to === place('data.replaced')) come('SIGINT');
    });
    const { code, error } = await started('restore', place('file'), place('data'), '--replace');
    renaming.mockRestore();
    expect([code, error]).toEqual([0, '']);
    expect(await names()).toEqual(['data', 'data.replaced', 'file', 'source']);
    expect((await kvctl('check', place('data'))).code).toBe(0);
  });
});

describe('a server that answers nothing', () => {
  let server: Server;
  let address: string;
  let heardBytes = 0;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('data', ({ length }) => {
          heardBytes += length;
        });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    heardBytes = 0;
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it.each([
    ['export', '--from'],
    ['backup', '--at'],
  ])('is no longer waited for by %s after a signal', async (what, option) => {
    const writing = started(what, place('file'), option, address);
    await vi.waitFor(() => expect(heardBytes).toBeGreaterThan(0));
    come('SIGINT');
    expect(await writing).toEqual(removed('SIGINT'));
    expect(await names()).toEqual([]);
  });

  it('may have taken what an import had sent before a signal', async () => {
    await writeFile(place('source'), '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n');
    const importing = started('import', place('source'), '--to', address);
    await vi.waitFor(() => expect(heardBytes).toBeGreaterThan(0));
    come('SIGTERM');
    const { code, error } = await importing;
    expect(code).toBe(143);
    expect(error).toMatch(/^kvctl: ended by SIGTERM: SET a: .* closed; 0 commands were done before\n$/);
  });
});

it.each(['backup', 'export'])('a signal waited until a directory was opened for %s', async (what) => {
  const set = `*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1000000\r\n${'x'.repeat(1_000_000)}\r\n`;
  await writeFile(place('source'), ['aaa', 'bbb', 'ccc'].map((key) => set.replace('key', key)).join(''));
  await kvctl('import', place('source'), place('data'));
  const [snapshot] = await readdir(place('data/snapshots'));
  // Who gets there says so.
  await truncate(place(`data/snapshots/${snapshot}`), 2_500_000);
  const before = await readdir(place('data'));
  const writing = ended('SIGTERM', `data/snapshots/${snapshot}`, what, place('data'), place('file'));
  expect(await writing).toEqual(removed('SIGTERM'));
  expect(await names()).toEqual(['data', 'source']);
  expect(await readdir(place('data'))).toEqual(before);
});

it('a command that makes nothing ends by a signal as it always did', async () => {
  const on = vi.spyOn(signals, 'on');
  await writeFile(place('source'), '');
  expect((await started('check', place('source'))).code).toBe(0);
  expect(on).not.toHaveBeenCalled();
});
