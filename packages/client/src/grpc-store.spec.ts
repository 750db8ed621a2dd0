import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import {
  status as codes,
  Server as GrpcServer,
  type handleUnaryCall,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { type Env, pause, systemEnv } from '@holdfast/common';
import { openLocalStack } from '@holdfast/coord';
import { GrpcExporter } from '@holdfast/protocol';
import { kv } from '@holdfast/rpc';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, type KeyValueStore } from './index.js';
import { storeConformance } from './testing/index.js';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface TestServer {
  readonly port: number;
  close(): Promise<void>;
}

async function serve(parameters?: ReadonlyMap<string, string>, port = 0): Promise<TestServer> {
  const env: Env = systemEnv();
  const stack = await openLocalStack({
    env,
    storage: 'memory',
    log: 'none',
    fsync: 'no',
    ...(parameters && { parameters }),
  });
  const { coordinator, config } = stack;
  const exporter = new GrpcExporter({ coordinator, env, config });
  const bound = await exporter.listen(port, '127.0.0.1');
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await exporter.close();
    await stack.close();
  };
  closing.push(close);
  return { port: bound, close };
}

function client(
  port: number,
  options: { password?: string; user?: string; database?: number; timeoutMs?: number } = {},
) {
  const store = connect({ address: `127.0.0.1:${port}`, ...options });
  closing.push(() => store.close());
  return store;
}

/** A proxy whose connections can be cut. */
async function proxy(target: number): Promise<{ port: number; cut(): void; server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    const upstream = connectTcp({ port: target, host: '127.0.0.1', noDelay: true });
    for (const each of [socket, upstream]) {
      sockets.add(each);
      each.on('error', () => {});
      each.on('close', () => sockets.delete(each));
    }
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  closing.push(async () => {
    cut();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, cut, server };
}

/** A server of the API that answers as it is told to. */
async function impostor(methods: object): Promise<number> {
  const server = new GrpcServer();
  server.addService(kv.KVService, methods as UntypedServiceImplementation);
  closing.push(async () => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

describe('a store behind a server', () => {
  for (const { name, run } of storeConformance) {
    it(name, async () => {
      const { port } = await serve();
      await run(client(port));
    });
  }

  it('keeps databases apart', async () => {
    const { port } = await serve();
    const [zero, three] = [client(port), client(port, { database: 3 })];
    await three.put('k', 'v');
    expect(await zero.get('k')).toBeNull();
    expect((await three.getMany(['k']))[0]?.value?.toString()).toBe('v');
    expect(await three.execute(['DBSIZE'])).toBe(1);
    const none = client(port, { database: 16 });
    await expect(none.get('k')).rejects.toMatchObject({ code: 'INVALID' });
    await expect(none.getMany(['k'])).rejects.toMatchObject({ code: 'INVALID' });
  });

  it('refuses all calls without the right password', async () => {
    const { port } = await serve(new Map([['requirepass', 'secret']]));
    const calls: ((store: KeyValueStore) => Promise<unknown>)[] = [
      (store) => store.get('k'),
      (store) => store.put('k', 'v'),
      (store) => store.execute(['GET', 'k']),
      (store) => store.getMany(['k']),
      (store) => store.deleteRange({ prefix: '' }),
      (store) => store.transact([['GET', 'k']]),
      async (store) => {
        for await (const _ of store.scan()) break;
      },
    ];
    for (const store of [
      client(port),
      client(port, { password: 'wrong' }),
      client(port, { user: 'x', password: 'secret' }),
    ]) {
      for (const call of calls) await expect(call(store)).rejects.toMatchObject({ code: 'DENIED' });
    }
    const store = client(port, { password: 'secret' });
    for (const call of calls) await call(store);
    // A password that changes while the stream is open.
    await store.execute(['CONFIG', 'SET', 'requirepass', 'other']);
    await expect(store.getMany(['k'])).rejects.toMatchObject({ code: 'DENIED' });
  });

  it('waits for a server that is not there yet, until the time is over', async () => {
    const first = await serve();
    const { port } = first;
    await first.close();
    const store = client(port);
    const early = store.get('k', { timeoutMs: 60 });
    await expect(early).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    await expect(store.put('k', 'v', { timeoutMs: 60 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const put = store.put('k', 'v');
    await serve(undefined, port);
    expect(await put).toBeGreaterThan(0);
  });

  it('connects again after the connection broke, and sends reads again', async () => {
    const { port } = await serve();
    const between = await proxy(port);
    const store = client(between.port);
    await store.put('k', 'v');
    for (let i = 0; i < 5; i++) {
      const reads = Array.from({ length: 50 }, () => store.get('k'));
      between.cut();
      for (const found of await Promise.all(reads)) expect(found?.value.toString()).toBe('v');
      expect(await store.put('k', 'v')).toBeGreaterThan(0);
    }
  });

  it('says of a write whose reply was lost that its outcome is unknown', async () => {
    const { port } = await serve();
    const between = await proxy(port);
    const store = client(between.port);
    await store.put('k', 'v');
    const popped = store.execute(['BLPOP', 'queue', '0'], { timeoutMs: 0 });
    // Its message was received before the reply to this one.
    await store.get('k');
    between.cut();
    await expect(popped).rejects.toMatchObject({ code: 'UNDETERMINED', retryable: false });
    // The command that waited is gone with its stream: nobody takes this.
    await store.execute(['RPUSH', 'queue', 'x']);
    expect(await store.execute(['LLEN', 'queue'])).toBe(1);
  });

  it('goes on with a scan over a connection that breaks', async () => {
    const { port } = await serve();
    const between = await proxy(port);
    const store = client(between.port);
    const value = Buffer.alloc(1000, 'v');
    const keys = Array.from({ length: 20_000 }, (_, i) => `k${String(i).padStart(5, '0')}`);
    await Promise.all(keys.map((key) => store.put(key, value)));
    const found: string[] = [];
    for await (const { key } of store.scan()) {
      found.push(key.toString());
      if (found.length % 5000 === 0) between.cut();
    }
    expect(found).toEqual(keys);
  });

  it('takes a call back that waits at the server when its time is over', async () => {
    const { port } = await serve();
    const store = client(port);
    // The connection is there: what is not sent in time is UNAVAILABLE.
    await store.get('k');
    const waiting = Array.from({ length: 5 }, () =>
      store.execute(['BLPOP', 'queue', '0'], { timeoutMs: 50 }).catch(({ code }) => code),
    );
    expect(await Promise.all(waiting)).toEqual(Array(5).fill('UNDETERMINED'));
    await expect
      .poll(async () => (await store.execute(['INFO', 'clients'], { encoding: 'utf8' })) as string)
      .toContain('blocked_clients:0');
  });

  it('knows that a transaction was never sent: it was UNDETERMINED', async () => {
    const { port, server } = await proxy(1);
    server.close();
    const store = client(port, { timeoutMs: 60 });
    const signal = AbortSignal.timeout(20);
    const begin = [
      () => store.transact([['SET', 'k', 'v']]),
      () => store.deleteRange({ prefix: '' }),
      () => store.transact([['SET', 'k', 'v']], { signal, timeoutMs: 0 }),
    ];
    for (const call of begin) await expect(call()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const waiting = store.transact([['SET', 'k', 'v']], { timeoutMs: 0 });
    const code = waiting.catch((error) => error.code);
    await pause(systemEnv().timers, 20);
    await store.close();
    expect(await code).toBe('CLOSED');
  });

  it('sends a transaction as soon as the server is there', async () => {
    const { port } = await serve();
    const store = client(port);
    expect(
      await store.transact(
        [
          ['SET', 'k', 'v'],
          ['GET', 'k'],
        ],
        { encoding: 'utf8' },
      ),
    ).toEqual(['OK', 'v']);
  });

  it('reads many keys again where the connection broke: it gave up at the first try', async () => {
    let calls = 0;
    const batchGet: handleUnaryCall<kv.BatchGetRequest, kv.BatchGetResponse> = (_call, answer) => {
      if (calls++ < 2) answer({ code: codes.UNAVAILABLE, details: 'gone' });
      else
        answer(null, { entries: [{ key: Buffer.from('k'), type: 1, value: Buffer.from('v'), version: 7 }] });
    };
    const store = client(await impostor({ batchGet }));
    expect((await store.getMany(['k']))[0]?.version).toBe(7);
    expect(calls).toBe(3);
    calls = Number.NEGATIVE_INFINITY;
    await expect(store.getMany(['k'], { timeoutMs: 120 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const signal = AbortSignal.timeout(20);
    await expect(store.getMany(['k'], { signal })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('refuses a value that no message can carry', async () => {
    const { port } = await serve();
    const store = client(port);
    const value = Buffer.alloc(65 * 1024 * 1024);
    await expect(store.put('k', value)).rejects.toMatchObject({ code: 'LIMIT' });
    expect(await store.get('k')).toBeNull();
  });

  it('ends what waits at the server when it is closed', async () => {
    const { port } = await serve();
    await client(port).execute(['CLIENT', 'PAUSE', '60000', 'ALL']);
    const store = client(port, { timeoutMs: 0 });
    const calls = [
      store.get('k'),
      store.getMany(['k']),
      store.deleteRange({ prefix: '' }),
      store.transact([['GET', 'k']]),
      store.scan()[Symbol.asyncIterator]().next(),
    ];
    const codes = Promise.all(calls.map((call: Promise<unknown>) => call.catch(({ code }) => code)));
    await pause(systemEnv().timers, 50);
    await store.close();
    expect(await codes).toEqual(calls.map(() => 'CLOSED'));
  });

  it('does not begin a scan again when the connection breaks behind its last page', async () => {
    let calls = 0;
    const port = await impostor({
      scan(call: ServerWritableStream<kv.ScanRequest, kv.ScanResponse>) {
        if (calls++ > 0) {
          call.end();
          return;
        }
        const entry = {
          key: Buffer.from('k'),
          type: kv.ValueType.VALUE_TYPE_STRING,
          value: Buffer.from('v'),
          version: 1,
        };
        call.write({ entries: [entry], resumeToken: Buffer.alloc(0) });
        call.emit('error', { code: codes.UNAVAILABLE });
      },
    });
    const found: string[] = [];
    for await (const { key } of client(port).scan()) found.push(key.toString());
    expect([found, calls]).toEqual([['k'], 1]);
  });

  it('says that the outcome is unknown of a write that shared its stream with a result that was too large', async () => {
    const port = await impostor({
      batch(call: ServerDuplexStream<kv.BatchRequest, kv.BatchResponse>) {
        call.on('data', () => call.emit('error', { code: codes.RESOURCE_EXHAUSTED, details: 'too large' }));
      },
    });
    await expect(client(port).put('k', 'v')).rejects.toMatchObject({ code: 'UNDETERMINED' });
  });

  it('holds the process while a scan waits for its connection', async () => {
    const { port } = await serve();
    const between = await proxy(port);
    const store = client(port);
    const value = Buffer.alloc(1000);
    await Promise.all(Array.from({ length: 20_000 }, (_, i) => store.put(`k${i}`, value)));
    const script = `
      const { connect } = await import('@holdfast/client');
      const store = connect({ address: '127.0.0.1:${between.port}' });
      let count = 0;
      for await (const { entries } of store.scanPages()) {
        if (count === 0) console.log('begun');
        count += entries.length;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      console.log('found', count);
      await store.close();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
    });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => {
      if (output === '') between.cut();
      output += bytes;
    });
    const [code] = await once(child, 'exit');
    expect([code, output]).toEqual([0, 'begun\nfound 20000\n']);
  }, 20_000);
});
