import { SeededRandom, SimulatedEnv } from '@holdfast/common/testing';
import { SimulatedDisk } from '@holdfast/log/testing';
import { MemoryStorage } from '@holdfast/storage';
import { digestOf } from '@holdfast/storage/testing';
import { describe, expect, it } from 'vitest';
import { type LocalStack, openLocalStack } from './local-stack.js';
import { type Plain, StackClient } from './testing/index.js';

interface Machine {
  readonly env: SimulatedEnv;
  readonly disk: SimulatedDisk;
}

function machine(seed = 1): Machine {
  return { env: new SimulatedEnv(seed), disk: new SimulatedDisk(seed) };
}

function start({ env, disk }: Machine, log: 'none' | 'file' = 'none', save = ''): Promise<LocalStack> {
  const parameters = new Map(Object.entries({ 'enable-debug-command': 'yes', save }));
  return openLocalStack({
    env,
    disk,
    storage: 'memory',
    log,
    fsync: 'everysec',
    directory: '/data',
    segmentBytes: 1 << 20,
    parameters,
  });
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a memory storage without a log', () => {
  it('is empty after a restart when nothing was saved, and leaves no directory behind', async () => {
    const on = machine();
    const stack = await start(on);
    await new StackClient(stack).line('SET a 1');
    await stack.close();
    expect(await on.disk.exists('/data')).toBe(false);
    const again = await start(on);
    expect(await new StackClient(again).line('DBSIZE')).toBe(0);
    await again.close();
  });

  it.each(['SAVE', 'BGSAVE', 'BGREWRITEAOF'])(
    'finds again what %s saved, and nothing later',
    async (command) => {
      const on = machine();
      const stack = await start(on);
      const client = new StackClient(stack);
      await client.line('SET a 1');
      await client.line('RPUSH l x y');
      await client.line(command);
      while (stack.persistence!.isRunning) await nextTurn();
      await client.line('SET b 2');
      on.disk.kill();
      await stack.close();
      const again = await start(on);
      const other = new StackClient(again);
      expect(await other.line('LRANGE l 0 -1')).toEqual(['x', 'y']);
      expect(await other.line('MGET a b')).toEqual(['1', null]);
      // What is written now is newer than what was loaded.
      expect(await other.line('SET a 3')).toBe('OK');
      expect(await other.line('SAVE')).toBe('OK');
      await again.close();
      const third = await start(on);
      expect(await new StackClient(third).line('GET a')).toBe('3');
      await third.close();
    },
  );

  it('saves the state of one moment while writes go on', async () => {
    const on = machine();
    const stack = await start(on);
    const client = new StackClient(stack);
    for (let i = 0; i < 3000; i++) client.run(`SET key:${i} 0`);
    const saving = new StackClient(stack).line('SAVE');
    let round = 0;
    while (stack.persistence!.isRunning || round === 0) {
      round++;
      client.run('MULTI');
      client.run(`SET key:0 ${round}`);
      client.run(`SET key:2999 ${round}`);
      client.run(`DEL key:${round}`);
      client.run('EXEC');
      await nextTurn();
    }
    await saving;
    await stack.close();
    const again = await start(on);
    const other = new StackClient(again);
    const [first, last] = (await other.line('MGET key:0 key:2999')) as string[];
    expect(Number(first)).toBeGreaterThan(0);
    expect(last).toBe(first);
    expect(await other.line('DBSIZE')).toBe(3000 - Number(first));
    await again.close();
  });

  it('begins again when databases are swapped meanwhile', async () => {
    const value = 'x'.repeat(1000);
    for (const ticks of [1, 5, 10, 20, 30, 40]) {
      const on = machine();
      const stack = await start(on);
      const client = new StackClient(stack);
      for (let i = 0; i < 1000; i++) client.run(`SET key:${i} ${value}`);
      const saving = new StackClient(stack).line('SAVE');
      for (let i = 0; i < ticks; i++) await Promise.resolve();
      client.run('SWAPDB 0 1');
      expect(await saving, `swapped after ${ticks}`).toBe('OK');
      await stack.close();
      const again = await start(on);
      const sizes = [again.storage.keyCount(0), again.storage.keyCount(1)];
      // Before the swap or after it, all of it.
      expect([...sizes].sort()).toEqual([0, 1000]);
      if (ticks === 1) expect(sizes[1]).toBe(1000);
      await again.close();
    }
  });

  it('goes on as before when the disk is full', async () => {
    const on = machine();
    const stack = await start(on);
    const client = new StackClient(stack);
    await client.line('SET a 1');
    on.disk.failNext('write', 'ENOSPC', { pathPart: 'snapshot' });
    expect(await client.line('SAVE')).toBeInstanceOf(Error);
    expect(await client.line('SET a 2')).toBe('OK');
    expect(await client.line('SAVE')).toBe('OK');
    await stack.close();
  });

  it('leaves nothing of a copy for which there was no room: it kept the disk full for what is written next', async () => {
    const on = machine();
    const stack = await start(on);
    const client = new StackClient(stack);
    await client.line(`SET a ${'x'.repeat(10_000)}`);
    on.disk.setFreeBytes(5000);
    expect(await client.line('SAVE')).toBeInstanceOf(Error);
    expect(await on.disk.list('/data/snapshots')).toEqual([]);
    await stack.close();
  });

  it('removes at its start the half of a copy that another was killed amid', async () => {
    const on = machine();
    const stack = await start(on);
    const client = new StackClient(stack);
    await client.line('SET a 1');
    await client.line('SAVE');
    const [whole] = await on.disk.list('/data/snapshots');
    on.disk.kill();
    await stack.close();
    on.disk.open('/data/snapshots/snapshot.tmp', 'replace').writeSync(Buffer.from('half'), 0);
    const again = await start(on);
    expect(await on.disk.list('/data/snapshots')).toEqual([whole]);
    expect(await new StackClient(again).line('DBSIZE')).toBe(1);
    await again.close();
  });

  it('counts the commands of a script and of a transaction one by one, as a save point does', async () => {
    const stack = await start(machine());
    const client = new StackClient(stack);
    const script = "redis.call('incr','c')redis.call('get','c')redis.call('del','a')";
    for (const line of ['SET a 1', `EVAL ${script} 0`, 'MULTI', 'SET b 1', 'INCR c', 'EXEC', 'GET b'])
      client.run(line);
    expect(await client.line('INFO persistence')).toMatch(/rdb_changes_since_last_save:5\r/);
    await stack.close();
  });

  it('saves by itself when a save point is reached', async () => {
    const on = machine();
    const stack = await start(on, 'none', '60 2');
    const client = new StackClient(stack);
    const unsaved = async (): Promise<string> =>
      /rdb_changes_since_last_save:(\d+)/.exec((await client.line('INFO persistence')) as string)![1];
    client.run('SET a 1');
    on.env.advance(61_000);
    await nextTurn();
    expect(await unsaved()).toBe('1');
    client.run('SET b 1');
    on.env.advance(1000);
    while (stack.persistence!.isRunning) await nextTurn();
    expect(await unsaved()).toBe('0');
    on.disk.kill();
    const again = await start(on);
    expect(await new StackClient(again).line('MGET a b')).toEqual(['1', '1']);
    await again.close();
  });

  it('does not save over the log of another run', async () => {
    const on = machine();
    const logged = await start(on, 'file');
    await new StackClient(logged).line('SET a 1');
    await logged.close();
    const stack = await start(on);
    const client = new StackClient(stack);
    const refused = 'has the log of another run';
    expect(await client.line('SAVE')).toMatchObject({ message: expect.stringContaining(refused) });
    expect(await client.line('CONFIG SET appendonly yes')).toMatchObject({
      message: expect.stringContaining(refused),
    });
    expect(await client.line('CONFIG GET appendonly')).toEqual({ appendonly: 'no' });
    await stack.close();
    const again = await start(on, 'file');
    expect(await new StackClient(again).line('GET a')).toBe('1');
    await again.close();
  });
});

describe('a log that is switched on', () => {
  it('has what was there before, what was written meanwhile, and what comes after', async () => {
    const seed = 7;
    const on = machine(seed);
    const random = new SeededRandom(seed);
    const stack = await start(on);
    const client = new StackClient(stack);
    const write = (): void => {
      client.run(`INCRBY n:${random.uint32() % 50} ${random.uint32() % 9}`);
      client.run(`RPUSH l:${random.uint32() % 5} ${random.uint32()}`);
      client.run(`DEL l:${random.uint32() % 5}`);
    };
    for (let i = 0; i < 500; i++) write();
    const turning = new StackClient(stack).line('CONFIG SET appendonly yes');
    for (let i = 0; i < 20; i++) {
      write();
      await nextTurn();
    }
    expect(await turning).toBe('OK');
    expect(await client.line('CONFIG GET appendonly')).toEqual({ appendonly: 'yes' });
    for (let i = 0; i < 100; i++) write();
    await nextTurn();
    const expected = await digestOf(stack.storage);
    on.disk.kill();
    const again = await start(on, 'file');
    expect(await digestOf(again.storage)).toBe(expected);
    await again.close();
  });

  it('stays as it is when it is switched off, and is whole when it is switched on again', async () => {
    const on = machine();
    const stack = await start(on, 'file');
    const client = new StackClient(stack);
    await client.line('SET a 1');
    expect(await client.line('CONFIG SET appendonly no')).toBe('OK');
    await client.line('SET a 2');
    await client.line('SET b 2');
    expect(await client.line('CONFIG SET appendonly yes appendfsync always')).toBe('OK');
    await client.line('SET c 3');
    await stack.close();
    const again = await start(on, 'file');
    expect(await new StackClient(again).line('MGET a b c')).toEqual(['2', '2', '3']);
    await again.close();
  });

  it('leaves what the directory had, or is whole, whenever the power goes', async () => {
    const sizes = new Set<Plain>();
    for (let operations = 1; operations < 25; operations++) {
      const on = machine(operations);
      const stack = await start(on, 'file');
      const client = new StackClient(stack);
      await client.line('SET a old');
      await stack.persistence!.log!.sync();
      await client.line('CONFIG SET appendonly no');
      await client.line('SET a new');
      for (let i = 0; i < 100; i++) client.run(`SET key:${i} 0`);
      let isOver = false;
      void on.disk.powerOffAfter(operations).then(() => {
        isOver = true;
      });
      client.run('CONFIG SET appendonly yes');
      while (!isOver && client.reply.count === 0) await nextTurn();
      on.disk.crash();
      const again = await start(on, 'file');
      const other = new StackClient(again);
      const size = await other.line('DBSIZE');
      expect(await other.line('GET a'), `after ${operations}`).toBe(size === 1 ? 'old' : 'new');
      sizes.add(size);
      await again.close();
    }
    expect(sizes).toEqual(new Set([1, 101]));
  });

  it("can't be asked for in a transaction", async () => {
    const stack = await start(machine());
    const client = new StackClient(stack);
    await client.line('MULTI');
    await client.line('CONFIG SET appendonly yes');
    expect(await client.line('EXEC')).toEqual([
      new Error(
        "ERR CONFIG SET failed (possibly related to argument 'appendonly') - can't be changed in a transaction",
      ),
    ]);
    await stack.close();
  });

  it('leaves all parameters alone when one of them is wrong', async () => {
    const stack = await start(machine());
    const client = new StackClient(stack);
    expect(await client.line('CONFIG SET appendonly yes timeout x')).toBeInstanceOf(Error);
    expect(await client.line('CONFIG GET appendonly')).toEqual({ appendonly: 'no' });
    await stack.close();
  });
});

describe('DEBUG RELOAD and LOADAOF', () => {
  it('leave nothing to be committed: a reply that depends on all keys waited for ever', async () => {
    const stack = await start(machine(), 'file');
    const client = new StackClient(stack);
    await client.line('SET a 1');
    for (const command of ['DEBUG RELOAD', 'DEBUG LOADAOF']) {
      expect(await client.line(command)).toBe('OK');
      for (const read of ['KEYS *', 'GET none']) {
        await client.line(read);
        expect(client.session.dependsOn).toBeLessThanOrEqual(stack.coordinator.committedVersion);
      }
    }
    await stack.close();
  });
});

describe('DEBUG LOADAOF', () => {
  it('builds the data from the log', async () => {
    const stack = await start(machine(), 'file');
    const client = new StackClient(stack);
    await client.line('SET a 1');
    await client.line('SAVE');
    await client.line('RPUSH l x y');
    await client.line('SET gone 1 PX 1');
    await client.line('DEL a');
    const before = await digestOf(stack.storage);
    expect(await client.line('DEBUG LOADAOF')).toBe('OK');
    expect(await digestOf(stack.storage)).toBe(before);
    expect(stack.storage.stamp.last).toBe(stack.coordinator.committedVersion);
    expect(await client.line('RPUSH l z')).toBe(3);
    expect(await client.line('DEBUG LOADAOF')).toBe('OK');
    expect(await client.line('LRANGE l 0 -1')).toEqual(['x', 'y', 'z']);
    await stack.close();
  });

  it('builds the data from what was saved last, without a log', async () => {
    const stack = await start(machine());
    const client = new StackClient(stack);
    await client.line('SET a 1');
    expect(await client.line('DEBUG LOADAOF')).toEqual(new Error('ERR nothing was saved yet'));
    await client.line('SAVE');
    await client.line('SET a 2');
    await client.line('SET b 2');
    expect(await client.line('DEBUG LOADAOF')).toBe('OK');
    expect(await client.line('MGET a b')).toEqual(['1', null]);
    expect(await client.line('SET a 3')).toBe('OK');
    expect(await client.line('GET a')).toBe('3');
    await stack.close();
  });
});

describe('a backup', () => {
  it('is refused when another one has begun since it was asked for, which misses nothing', async () => {
    const stack = await start(machine());
    const client = new StackClient(stack);
    await client.line('SET a 1');
    const [first, second] = [await stack.persistence!.backup(), await stack.persistence!.backup()];
    const batches = first.batches[Symbol.asyncIterator]();
    const copied = [await batches.next()];
    await expect(second.batches[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    await client.line('SET b 2');
    // It could not be taken: "started" would be said of what fails a moment later.
    for (const line of ['BGSAVE', 'SAVE'])
      expect(await client.line(line)).toEqual(new Error('ERR Background save already in progress'));
    while (copied.at(-1)!.done !== true) copied.push(await batches.next());
    const copy = new MemoryStorage(new SeededRandom(1));
    for (const { done, value } of copied) if (!done) copy.apply(value, 0);
    expect(await digestOf(copy)).toBe(await digestOf(stack.storage));
    expect(await client.line('SAVE')).toBe('OK');
    await stack.close();
  });
});

it('a copy is given up while the log has no room: it waited for the room that it took itself', async () => {
  const on = machine();
  const stack = await start(on, 'file');
  const client = new StackClient(stack);
  const other = new StackClient(stack);
  await client.line('SET a 1');
  on.disk.setFreeBytes(0);
  client.run(`SET b ${'x'.repeat(10_000)}`);
  while (stack.coordinator.refusal === null) await nextTurn();
  on.disk.setFreeBytes(1 << 20);
  expect(String(await other.line('SAVE'))).toContain('what was written last is not in the log');
  expect(await on.disk.list('/data/snapshots')).toEqual([]);
  on.env.advance(1000);
  while (stack.coordinator.refusal !== null) await nextTurn();
  expect(await other.line('SAVE')).toBe('OK');
  await stack.close();
});

it('a backup while the log has no room says so: it waited as long as the disk was full', async () => {
  const on = machine();
  const stack = await start(on, 'file');
  const client = new StackClient(stack);
  await client.line('SET a 1');
  on.disk.setFreeBytes(0);
  client.run(`SET b ${'x'.repeat(10_000)}`);
  while (stack.coordinator.refusal === null) await nextTurn();
  const takeAll = async (): Promise<number> => {
    let count = 0;
    for await (const _ of (await stack.persistence!.backup()).batches) count++;
    return count;
  };
  await expect(takeAll()).rejects.toMatchObject({ code: 'DISK' });
  on.disk.setFreeBytes(1 << 20);
  on.env.advance(1000);
  while (stack.coordinator.refusal !== null) await nextTurn();
  expect(await takeAll()).toBeGreaterThan(0);
  await stack.close();
});

it('a backup is taken while level storage has no room of its own, as the log has everything', async () => {
  const stack = await start(machine(), 'file');
  await new StackClient(stack).line('SET a 1');
  Object.defineProperty(stack.persistence!.committer, 'refusal', {
    value: 'MISCONF Errors writing to the disk',
  });
  let count = 0;
  for await (const _ of (await stack.persistence!.backup()).batches) count++;
  expect(count).toBeGreaterThan(0);
  await stack.close();
});
