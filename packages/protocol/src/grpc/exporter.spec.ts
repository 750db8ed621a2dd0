import { status as codes, Metadata, type ServiceError } from '@grpc/grpc-js';
import { systemEnv } from '@holdfast/common';
import type { Coordinator, Fate } from '@holdfast/coord';
import { errorDetailsOf, kv } from '@holdfast/rpc';
import { reflectedClient } from '@holdfast/rpc/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  BatchClient,
  batchOf,
  blockedCount,
  clientOf,
  closeAll,
  execute,
  failure,
  metadataOf,
  onClose,
  reasonOf,
  serve,
} from '../testing/grpc-service.js';
import { GrpcExporter } from './exporter.js';

afterEach(closeAll);

/** Unary calls whose requests are messages already. */
function rawCalls(client: kv.KVClient): (method: string, message: Buffer) => Promise<unknown> {
  const asIs = (bytes: Buffer): Buffer => bytes;
  return (method, message) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(`/kv.v1.KV/${method}`, asIs, asIs, message, (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
}

describe('a client without stubs', () => {
  it('finds the service by reflection and uses it', async () => {
    const { address } = await serve();
    const client = await reflectedClient(address, 'kv.v1.KV');
    onClose(() => client.close());
    expect([...client.services].sort()).toEqual(['grpc.health.v1.Health', 'kv.v1.KV']);
    const { version } = await client.unary('Put', { key: Buffer.from('k'), value: Buffer.from('v') });
    expect(await client.unary('Get', { key: Buffer.from('k') })).toMatchObject({
      found: true,
      value: Buffer.from('v'),
      version,
    });
    const { value } = await client.unary('Execute', {
      args: ['CONFIG', 'GET', 'databases'].map(Buffer.from),
    });
    expect(value).toMatchObject({
      kind: 'map',
      map: { pairs: [{ key: { bytes: Buffer.from('databases') }, value: { bytes: Buffer.from('16') } }] },
    });
    const [page] = await client.serverStream('Scan', { prefix: Buffer.from('') });
    expect(page).toMatchObject({ entries: [{ key: Buffer.from('k'), type: 'VALUE_TYPE_STRING' }] });
  });

  it('asks for the health of the server', async () => {
    const { address } = await serve();
    const client = await reflectedClient(address, 'grpc.health.v1.Health');
    onClose(() => client.close());
    for (const service of ['', 'kv.v1.KV']) {
      expect(await client.unary('Check', { service })).toEqual({ status: 'SERVING' });
    }
    expect(await failure(client.unary('Check', { service: 'none' }))).toMatchObject({
      code: codes.NOT_FOUND,
    });
  });
});

describe('errors', () => {
  it('have a status and a reason', async () => {
    const server = await serve();
    const client = clientOf(server);
    await execute(client, 'RPUSH list x');
    const cases: [string, number, string][] = [
      ['GET list', codes.FAILED_PRECONDITION, 'WRONGTYPE'],
      ['NOSUCH', codes.INVALID_ARGUMENT, 'ERR'],
      ['GET', codes.INVALID_ARGUMENT, 'ERR'],
      ['SUBSCRIBE c', codes.INVALID_ARGUMENT, 'UNSUPPORTED'],
      ['MULTI', codes.INVALID_ARGUMENT, 'UNSUPPORTED'],
      ['CLIENT READMODE stale', codes.INVALID_ARGUMENT, 'UNSUPPORTED'],
      ['KV.PUT k v VERSION 5', codes.ABORTED, 'VERSION_MISMATCH'],
    ];
    for (const [line, code, reason] of cases) {
      expect(await reasonOf(execute(client, line)), line).toEqual([code, reason]);
    }
  });

  it('of a long text are told, and the server lives on', async () => {
    const client = clientOf(await serve());
    for (const pad of ['', 'x']) {
      const call = execute(client, `ACL DELUSER ${pad}${'\u{1f600}'.repeat(1000)} default`);
      expect(await reasonOf(call)).toEqual([codes.INVALID_ARGUMENT, 'ERR']);
      const other = execute(client, `ACL SETUSER u ${pad}${'\u{1f600}'.repeat(1000)}`);
      expect(await reasonOf(other)).toEqual([codes.INVALID_ARGUMENT, 'ERR']);
    }
  });

  it('repeat bytes that are no UTF-8, and the server lives on', async () => {
    const client = clientOf(await serve());
    const request = { args: [Buffer.from([0x66, 0xff, 0x80])], protocol: 0 };
    const error = await new Promise<ServiceError | null>((resolve) => {
      client.execute(request, new Metadata(), { deadline: Date.now() + 5000 }, resolve);
    });
    expect(error).toMatchObject({ code: codes.INVALID_ARGUMENT });
    expect(error?.details).toContain("unknown command 'f\ufffd\ufffd'");
  });

  it('tell of more parts than a request may have, before they are made', async () => {
    const call = rawCalls(clientOf(await serve()));
    const parts = (count: number): Buffer => Buffer.alloc(2 * count, Buffer.from([0x0a, 0]));
    const commands = kv.TransactRequest.encode({ compare: [], commands: [], protocol: 0 }).finish();
    const within = Buffer.concat([commands, Buffer.from([0x12, 0x80, 0x80, 0x80, 0x01]), parts(2 ** 20)]);
    const tooMany = [codes.RESOURCE_EXHAUSTED, 'LIMIT'];
    expect(await reasonOf(call('Execute', parts(2 ** 20 + 100)))).toEqual(tooMany);
    expect(await reasonOf(call('BatchGet', parts(2000)))).toEqual(tooMany);
    expect(await reasonOf(call('Transact', Buffer.concat([within, parts(100)])))).toEqual(tooMany);
    expect(await reasonOf(call('Execute', parts(1000)))).toEqual([codes.INVALID_ARGUMENT, 'ERR']);
  });

  it('say what is wrong with requests that cannot be read: they were INTERNAL, without a reason', async () => {
    const call = rawCalls(clientOf(await serve()));
    const beyondExact = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    const requests: [method: string, bytes: number[]][] = [
      ['Put', [0x0a, 1, 0x6b, 0x18, ...beyondExact]],
      ['Put', [0x0a, 1, 0x6b, 0x20, ...beyondExact]],
      ['Delete', [0x0a, 1, 0x6b, 0x10, ...beyondExact]],
      ['Scan', [0x20, ...beyondExact]],
      ['Transact', [0x0a, 11, 0x10, ...beyondExact]],
      ['Get', [0x0a, 5, 0x6b]],
      ['Execute', [0x0a, 5, 0x6b]],
      ['DeleteRange', [0xff]],
    ];
    for (const [method, bytes] of requests) {
      expect(await reasonOf(call(method, Buffer.from(bytes))), method).toEqual([
        codes.INVALID_ARGUMENT,
        'INVALID',
      ]);
    }
  });

  it('have a reason when a reply does not fit a message', async () => {
    const client = clientOf(await serve());
    await execute(client, 'SETRANGE k 40000000 x');
    const twice = (args: string[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const commands = [{ args: args.map(Buffer.from) }, { args: args.map(Buffer.from) }];
        client.transact({ compare: [], commands, protocol: 0 }, (error, response) => {
          if (error === null) resolve(response);
          else reject(error);
        });
      });
    const tooLarge = [codes.RESOURCE_EXHAUSTED, 'LIMIT'];
    expect(await reasonOf(execute(client, 'MGET k k'))).toEqual(tooLarge);
    expect(await reasonOf(twice(['GET', 'k']))).toEqual(tooLarge);
  });

  it('of a server that follows another one say whether to try again', async () => {
    const client = clientOf(await serve());
    const cases: [string, number][] = [
      ['MASTERDOWN', codes.UNAVAILABLE],
      ['NOREPLICAS', codes.UNAVAILABLE],
      ['READONLY', codes.FAILED_PRECONDITION],
    ];
    for (const [reason, code] of cases) {
      const call = execute(client, `EVAL return{err=ARGV[1]} 0 ${reason}`);
      expect(await reasonOf(call), reason).toEqual([code, reason]);
    }
  });

  it('say the version that a key is at', async () => {
    const client = clientOf(await serve());
    const { version } = await execute(client, 'SET k v');
    const error = await failure(execute(client, 'KV.PUT k v VERSION 1'));
    expect(errorDetailsOf(error)).toEqual({
      reason: 'VERSION_MISMATCH',
      metadata: { version: String(version) },
    });
    expect(error.details).toBe(`VERSION_MISMATCH the key is at version ${version}, not 1`);
  });

  it('tell of a database that is none', async () => {
    const client = clientOf(await serve());
    for (const database of ['16', '-1', 'x', '99999999999']) {
      const metadata = metadataOf({ database });
      expect(await reasonOf(execute(client, 'GET k', { metadata }))).toEqual([
        codes.INVALID_ARGUMENT,
        'INVALID',
      ]);
    }
  });

  it('tell of too many clients', async () => {
    const server = await serve({ maxclients: '2' });
    const client = clientOf(server);
    const waiting = [1, 2].map(() => execute(client, 'BLPOP list 0.2'));
    expect(await reasonOf(execute(client, 'GET k'))).toEqual([codes.RESOURCE_EXHAUSTED, 'LIMIT']);
    await Promise.all(waiting);
    await execute(client, 'GET k');
  });
});

describe('access', () => {
  const basic = (user: string, password: string): Metadata =>
    metadataOf({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });

  it('needs the password, as Bearer or Basic', async () => {
    const client = clientOf(await serve({ requirepass: 'p:ss wörd' }));
    const tokens = [basic('default', 'p:ss wörd')];
    for (const metadata of tokens) await execute(client, 'SET k v', { metadata });
    const refused: [Metadata, string][] = [
      [new Metadata(), 'NOAUTH'],
      [basic('default', 'wrong'), 'WRONGPASS'],
      [basic('nobody', 'p:ss wörd'), 'WRONGPASS'],
      [metadataOf({ authorization: 'Bearer wrong' }), 'WRONGPASS'],
      [metadataOf({ authorization: 'Digest x' }), 'WRONGPASS'],
      [metadataOf({ authorization: 'Basic x' }), 'WRONGPASS'],
    ];
    for (const [metadata, reason] of refused) {
      expect(await reasonOf(execute(client, 'GET k', { metadata }))).toEqual([codes.UNAUTHENTICATED, reason]);
    }
  });

  it('is the same for Batch streams', async () => {
    const server = await serve({ requirepass: 'secret' });
    const admitted = batchOf(server, metadataOf({ authorization: 'Bearer secret' }));
    admitted.send([[1, 'PING']]);
    expect(await admitted.value(1)).toBe('PONG');
    const refused: [Metadata, string][] = [
      [new Metadata(), 'NOAUTH'],
      [metadataOf({ authorization: 'Bearer wrong' }), 'WRONGPASS'],
    ];
    for (const [metadata, reason] of refused) {
      const batch = batchOf(server, metadata);
      await expect.poll(() => batch.status).toMatchObject({ code: codes.UNAUTHENTICATED });
      expect(errorDetailsOf(batch.status as ServiceError)?.reason).toBe(reason);
    }
  });
});

describe('calls that wait', () => {
  it('get what comes', async () => {
    const client = clientOf(await serve());
    const popped = execute(client, 'BLPOP list 0');
    await execute(client, 'RPUSH list x');
    expect((await popped).value?.kind).toMatchObject({ $case: 'array' });
  });

  it('end with their deadline, and take nothing afterwards', async () => {
    const client = clientOf(await serve());
    const error = await failure(execute(client, 'BLPOP list 0', { timeoutMs: 50 }));
    expect(error.code).toBe(codes.DEADLINE_EXCEEDED);
    await expect.poll(() => blockedCount(client)).toContain('blocked_clients:0');
    await execute(client, 'RPUSH list x');
    expect((await execute(client, 'LLEN list')).value?.kind?.value).toBe(1);
  });

  it('end when they are cancelled', async () => {
    const client = clientOf(await serve());
    const request = { args: ['BLPOP', 'list', '0'].map((arg) => Buffer.from(arg)), protocol: 0 };
    const ended = new Promise<ServiceError | null>((resolve) => {
      const call = client.execute(request, (error) => resolve(error));
      void expect
        .poll(() => blockedCount(client))
        .toContain('blocked_clients:1')
        .then(() => call.cancel());
    });
    expect((await ended)?.code).toBe(codes.CANCELLED);
    await expect.poll(() => blockedCount(client)).toContain('blocked_clients:0');
  });
});

describe('replies', () => {
  /** Commits are made by hand. */
  class HeldCommits implements Coordinator {
    committedVersion = 0;
    settled = 0;
    readonly #local: Coordinator;
    readonly #listeners: (() => void)[] = [];
    readonly #revocations: (() => void)[] = [];

    constructor(local: Coordinator) {
      this.#local = local;
    }

    commit(version: number): void {
      this.committedVersion = version;
      for (const listener of this.#listeners) listener();
    }

    onCommitted(listener: () => void): void {
      this.#listeners.push(listener);
    }

    onRevoked(listener: () => void): void {
      this.#revocations.push(listener);
    }

    revoke(): void {
      for (const listener of this.#revocations) listener();
    }

    fateOf(version: number): Fate {
      return version <= this.committedVersion ? 'committed' : 'unknown';
    }

    settle(): void {
      this.settled++;
      this.#local.settle();
    }

    open: Coordinator['open'] = (...args) => this.#local.open(...args);
    close: Coordinator['close'] = (session) => this.#local.close(session);
    beginTurn: Coordinator['beginTurn'] = () => this.#local.beginTurn();
    prefetch: Coordinator['prefetch'] = (...args) => this.#local.prefetch(...args);
    coordinate: Coordinator['coordinate'] = (...args) => this.#local.coordinate(...args);
    shutdown: Coordinator['shutdown'] = () => this.#local.shutdown();
  }

  it('leave once what they depend on is committed', async () => {
    let commits!: HeldCommits;
    const server = await serve({}, (local) => {
      commits = new HeldCommits(local);
      return commits;
    });
    const batch = batchOf(server);
    batch.send([[1, 'GET k']]);
    await batch.result(1);
    batch.send([[2, 'SET k v']]);
    await expect.poll(() => server.stack.storage.keyCount(0)).toBe(1);
    const { settled } = commits;
    // Another client reads what is not committed; a third one has nothing to do with it.
    const reader = batchOf(server);
    reader.send([[3, 'GET k']]);
    const other = batchOf(server);
    other.send([[4, 'PING']]);
    await other.result(4);
    await expect.poll(() => commits.settled).toBeGreaterThan(settled);
    expect([batch.order, reader.order]).toEqual([[1], []]);
    commits.commit(server.stack.storage.stamp.last);
    await batch.result(2);
    expect(await reader.value(3)).toEqual(Buffer.from('v'));
  });

  it('that were given up end the stream with what is known of them', async () => {
    let commits!: HeldCommits;
    const server = await serve({}, (local) => {
      commits = new HeldCommits(local);
      return commits;
    });
    const batch = batchOf(server);
    batch.send([[1, 'SET k v']]);
    await expect.poll(() => server.stack.storage.keyCount(0)).toBe(1);
    await expect.poll(() => commits.settled).toBeGreaterThan(0);
    commits.revoke();
    await expect.poll(() => batch.status).toMatchObject({ code: codes.UNKNOWN });
    expect(errorDetailsOf(batch.status as ServiceError)?.reason).toBe('UNDETERMINED');
    expect(batch.order).toEqual([]);
  });
});

describe('a scan', () => {
  it('goes no faster than it is read', async () => {
    const server = await serve();
    const client = clientOf(server);
    const { kv: engine } = server.stack;
    const batch = batchOf(server);
    const value = Buffer.alloc(10_000, 'v');
    const count = 5000;
    const commands = Array.from({ length: count }, (_, i): kv.Command => {
      const key = Buffer.from(`k${i}`);
      return { id: i + 1, operation: { $case: 'put', value: { key, value, onlyIfAbsent: false } } };
    });
    for (let i = 0; i < count; i += 100)
      batch.stream.write({ commands: commands.slice(i, i + 100), cancel: [] });
    await expect.poll(() => batch.results.size, { timeout: 10_000 }).toBe(count);
    const hitsBefore = engine.stats.hits;
    const stream = client.scan({
      selection: undefined,
      reverse: false,
      limit: 0,
      keysOnly: false,
      resumeToken: Buffer.alloc(0),
    });
    // Until its first message was read, grpc-js keeps all that comes.
    const messages = (stream as AsyncIterable<kv.ScanResponse>)[Symbol.asyncIterator]();
    let found = (await messages.next()).value?.entries.length ?? 0;
    let seen = -1;
    await expect
      .poll(
        async () => {
          const isHalted = engine.stats.hits > hitsBefore && engine.stats.hits === seen;
          seen = engine.stats.hits;
          await execute(client, 'PING');
          return isHalted;
        },
        { interval: 50, timeout: 10_000 },
      )
      .toBe(true);
    expect(engine.stats.hits - hitsBefore).toBeLessThan(count / 2);
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      found += next.value.entries.length;
    }
    expect(found).toBe(count);
  });

  it('ends when it is cancelled', async () => {
    const server = await serve();
    const client = clientOf(server);
    for (let i = 0; i < 10; i++) await execute(client, `SET k${i} v`);
    const stream = client.scan({
      selection: undefined,
      reverse: false,
      limit: 0,
      keysOnly: false,
      resumeToken: Buffer.alloc(0),
    });
    const ended = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
    stream.cancel();
    expect((await ended).code).toBe(codes.CANCELLED);
    await execute(client, 'PING');
  });
});

describe('closing', () => {
  it('ends streams and waiting calls, and the health turns', async () => {
    const server = await serve();
    const client = clientOf(server);
    const batch = new BatchClient(client);
    batch.send([[1, 'PING']]);
    await batch.value(1);
    const waiting = failure(execute(client, 'BLPOP list 0'));
    await expect.poll(() => blockedCount(client)).toContain('blocked_clients:1');
    await server.exporter.close();
    await expect.poll(() => batch.status).toMatchObject({ code: codes.UNAVAILABLE });
    expect([codes.UNAVAILABLE, codes.CANCELLED]).toContain((await waiting).code);
  });

  it('says what port can not be listened on', async () => {
    const server = await serve();
    const { coordinator, config } = server.stack;
    const other = new GrpcExporter({ coordinator, env: systemEnv(), config });
    const port = Number(server.address.split(':')[1]);
    await expect(other.listen(port, '127.0.0.1')).rejects.toMatchObject({ code: 'INVALID' });
    await other.close();
  });
});
