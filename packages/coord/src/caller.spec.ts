import { ErrorReply, StatusReply } from '@holdfast/common';
import { describe, expect, it } from 'vitest';
import { Caller } from './caller.js';
import type { Coordinator } from './coordinator.js';
import { LocalServer } from './testing/index.js';
import { Turns } from './turns.js';

const options = { protocol: 'embedded', address: '', localAddress: '' };

/** A coordinator whose commits are made by hand. */
function held(server: LocalServer): {
  coordinator: Coordinator;
  commit(version: number): void;
  settled: number;
} {
  const { coordinator: local } = server;
  const listeners: (() => void)[] = [];
  let committedVersion = 0;
  const control = {
    settled: 0,
    commit: (version: number) => {
      committedVersion = version;
      for (const listener of listeners) listener();
    },
    coordinator: {
      open: (...args: Parameters<Coordinator['open']>) => local.open(...args),
      close: (session) => local.close(session),
      beginTurn: () => local.beginTurn(),
      coordinate: (...args) => local.coordinate(...args),
      settle: () => {
        control.settled++;
        local.settle();
      },
      get committedVersion() {
        return committedVersion;
      },
      onCommitted: (listener) => void listeners.push(listener),
      shutdown: () => local.shutdown(),
    } as Coordinator,
  };
  return control;
}

function state(promise: Promise<unknown>): Promise<string> {
  const done = promise.then(
    () => 'done',
    () => 'failed',
  );
  return Promise.race([done, Promise.resolve().then(() => Promise.resolve('waiting'))]);
}

describe('Caller', () => {
  it('hands a reply over with the version of its key', async () => {
    const { coordinator, env } = new LocalServer();
    const caller = Caller.open(coordinator, new Turns(coordinator, env.timers), options)!;
    const { value, version } = await caller.run(['SET', 'k', 'v']);
    expect(value).toEqual(new StatusReply('OK'));
    expect(version).toBeGreaterThan(0);
    expect(await caller.run(['GET', 'k'])).toEqual({ value: Buffer.from('v'), version });
    expect((await caller.run(['NOSUCH'])).value).toBeInstanceOf(ErrorReply);
  });

  it('holds a reply back until what it depends on is committed', async () => {
    const server = new LocalServer();
    const control = held(server);
    const turns = new Turns(control.coordinator, server.env.timers);
    const writer = Caller.open(control.coordinator, turns, options)!;
    const reader = Caller.open(control.coordinator, turns, options)!;
    const written = writer.run(['SET', 'k', 'v']);
    // It reads what is not committed yet.
    const read = reader.run(['GET', 'k']);
    server.env.advance(0);
    expect(control.settled).toBe(1);
    expect([await state(written), await state(read)]).toEqual(['waiting', 'waiting']);
    expect(writer.isBusy).toBe(true);
    await expect(writer.run(['PING'])).rejects.toMatchObject({ code: 'INVALID' });
    control.commit(1);
    expect((await written).version).toBe(1);
    expect((await read).value).toEqual(Buffer.from('v'));
  });

  it('waits for keys, and is gone when it is closed', async () => {
    const { coordinator, env } = new LocalServer();
    const turns = new Turns(coordinator, env.timers);
    const [one, two, three] = [1, 2, 3].map(() => Caller.open(coordinator, turns, options)!);
    const first = one.run(['BLPOP', 'list', '0']);
    const second = two.run(['BLPOP', 'list', '0']);
    one.close();
    await expect(first).rejects.toMatchObject({ code: 'CLOSED' });
    await three.run(['RPUSH', 'list', 'x']);
    expect((await second).value).toEqual([Buffer.from('list'), Buffer.from('x')]);
    await expect(one.run(['PING'])).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
