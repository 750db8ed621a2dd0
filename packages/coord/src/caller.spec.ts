import { ErrorReply, StatusReply } from '@holdfast/common';
import { describe, expect, it } from 'vitest';
import { Caller } from './caller.js';
import type { Coordinator } from './coordinator.js';
import { LocalServer } from './testing/index.js';
import { Turns } from './turns.js';

const options = { protocol: 'embedded', address: '', localAddress: '' };

/** A coordinator whose commits are made by hand. */
interface Control {
  readonly coordinator: Coordinator;
  settled: number;
  /** What was sent to the log, to `revoke` at the latest. */
  sent: number;
  commit(version: number): void;
  revoke(): void;
}

function held(server: LocalServer): Control {
  const { coordinator: local } = server;
  const listeners: (() => void)[] = [];
  const revocations: (() => void)[] = [];
  let committedVersion = 0;
  const control: Control = {
    settled: 0,
    sent: 0,
    revoke: () => {
      for (const listener of revocations) listener();
    },
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
      onRevoked: (listener) => void revocations.push(listener),
      fateOf: (version) => {
        if (version <= committedVersion) return 'committed';
        return version <= control.sent ? 'unknown' : 'dropped';
      },
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

  it('says what became of a write when another one leads', async () => {
    const server = new LocalServer();
    const control = held(server);
    const turns = new Turns(control.coordinator, server.env.timers);
    const [one, two, three] = [1, 2, 3].map(() => Caller.open(control.coordinator, turns, options)!);
    const answers = [one.run(['SET', 'a', '1']), two.run(['SET', 'b', '2']), three.run(['SET', 'c', '3'])];
    server.env.advance(0);
    control.commit(1);
    control.sent = 2;
    control.revoke();
    const values = (await Promise.all(answers)).map(({ value }) => value);
    expect(values[0]).toEqual(new StatusReply('OK'));
    expect((values[1] as ErrorReply).code).toBe('UNDETERMINED');
    expect((values[2] as ErrorReply).code).toBe('TRYAGAIN');
    expect(three.isBusy).toBe(false);
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
