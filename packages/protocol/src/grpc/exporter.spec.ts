import { status as codes, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { systemEnv } from '@holdfast/common';
import { type Coordinator, type Fate, type LocalStack, openLocalStack } from '@holdfast/coord';
import { channelOptions, errorDetailsOf, kv } from '@holdfast/rpc';
import { reflectedClient } from '@holdfast/rpc/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { GrpcExporter } from './exporter.js';
import { waitingMax } from './limits.js';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface TestServer {
  readonly address: string;
  readonly stack: LocalStack;
  readonly exporter: GrpcExporter;
}

async function serve(
  parameters: Record<string, string> = {},
  wrap: (coordinator: Coordinator) => Coordinator = (coordinator) => coordinator,
): Promise<TestServer> {
  const env = systemEnv();
  const stack = await openLocalStack({
    env,
    storage: 'memory',
    log: 'none',
    fsync: 'no',
    parameters: new Map(Object.entries(parameters)),
  });
  const { config } = stack;
  const exporter = new GrpcExporter({ coordinator: wrap(stack.coordinator), env, config });
  const port = await exporter.listen(0, '127.0.0.1');
  closing.push(async () => {
    await exporter.close();
    await stack.close();
  });
  return { address: `127.0.0.1:${port}`, stack, exporter };
}

function clientOf({ address }: TestServer): kv.KVClient {
  const client = new kv.KVClient(address, credentials.createInsecure(), channelOptions());
  closing.push(() => client.close());
  return client;
}

function metadataOf(entries: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}

interface CallRules {
  readonly metadata?: Metadata;
  readonly timeoutMs?: number;
}

function execute(client: kv.KVClient, line: string, rules: CallRules = {}): Promise<kv.ExecuteResponse> {
  const request = { args: line.split(' ').map((word) => Buffer.from(word)), protocol: 0 };
  const deadline = Date.now() + (rules.timeoutMs ?? 10_000);
  return new Promise((resolve, reject) => {
    client.execute(request, rules.metadata ?? new Metadata(), { deadline }, (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

async function failure(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    () => {
      throw new Error('the call succeeded');
    },
    (error: ServiceError) => error,
  );
}

/** Code and reason of a call that fails. */
async function reasonOf(call: Promise<unknown>): Promise<[number, string | undefined]> {
  const error = await failure(call);
  return [error.code, errorDetailsOf(error)?.reason];
}

/** A Batch stream whose results are found by id. */
class BatchClient {
  readonly results = new Map<number, kv.Result>();
  readonly order: number[] = [];
  readonly stream: ReturnType<kv.KVClient['batch']>;
  status: ServiceError | 'ended' | null = null;

  constructor(client: kv.KVClient, metadata = new Metadata()) {
    this.stream = client.batch(metadata);
    this.stream.on('data', ({ results }: kv.BatchResponse) => {
      for (const result of results) {
        this.results.set(result.id, result);
        this.order.push(result.id);
      }
    });
    this.stream.on('error', (error: ServiceError) => {
      this.status ??= error;
    });
    this.stream.on('end', () => {
      this.status ??= 'ended';
    });
  }

  send(commands: [number, string][], cancel: number[] = []): void {
    this.stream.write({ commands: commands.map(([id, line]) => commandOf(id, line)), cancel });
  }

  async result(id: number): Promise<kv.Result['outcome']> {
    await expect.poll(() => this.results.has(id), { interval: 2, timeout: 5000 }).toBe(true);
    return this.results.get(id)!.outcome;
  }

  /** The value of an Execute. */
  async value(id: number): Promise<unknown> {
    const outcome = await this.result(id);
    return outcome?.$case === 'execute' ? outcome.value.value?.kind?.value : outcome?.value;
  }
}

function commandOf(id: number, line: string): kv.Command {
  const args = line.split(' ').map((word) => Buffer.from(word));
  return { id, operation: { $case: 'execute', value: { args, protocol: 0 } } };
}

function batchOf(server: TestServer, metadata?: Metadata): BatchClient {
  return new BatchClient(clientOf(server), metadata);
}

async function blockedCount(client: kv.KVClient): Promise<string> {
  const { value } = await execute(client, 'INFO clients');
  return String(value?.kind?.value);
}

describe('a client without stubs', () => {
  it('finds the service by reflection and uses it', async () => {
    const { address } = await serve();
    const client = await reflectedClient(address, 'kv.v1.KV');
    closing.push(() => client.close());
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
    closing.push(() => client.close());
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
      ['KV.PUT k v VERSION 5', codes.ABORTED, 'VERSION_MISMATCH'],
    ];
    for (const [line, code, reason] of cases) {
      expect(await reasonOf(execute(client, line)), line).toEqual([code, reason]);
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
    const silent = batchOf(server);
    silent.send([[1, 'GET k']]);
    expect(await silent.result(1)).toMatchObject({ $case: 'error', value: { reason: 'NOAUTH', status: 16 } });
    const wrong = batchOf(server, metadataOf({ authorization: 'Bearer wrong' }));
    await expect.poll(() => wrong.status).toMatchObject({ code: codes.UNAUTHENTICATED });
    expect(errorDetailsOf(wrong.status as ServiceError)?.reason).toBe('WRONGPASS');
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

describe('a Batch stream', () => {
  it('answers the commands of a message in one message, with ids and versions', async () => {
    const batch = batchOf(await serve());
    const key = Buffer.from('k');
    batch.stream.write({
      commands: [
        { id: 5, operation: { $case: 'get', value: { key } } },
        { id: 6, operation: { $case: 'put', value: { key, value: key, onlyIfAbsent: true } } },
        { id: 7, operation: { $case: 'put', value: { key, value: key, onlyIfAbsent: true } } },
        { id: 8, operation: { $case: 'get', value: { key } } },
        { id: 9, operation: { $case: 'delete', value: { key } } },
        { id: 10, operation: { $case: 'delete', value: { key } } },
      ],
      cancel: [],
    });
    const put = await batch.result(6);
    const version = put?.$case === 'put' ? put.value.version : 0;
    expect(version).toBeGreaterThan(0);
    expect(await batch.result(5)).toMatchObject({ $case: 'get', value: { found: false } });
    expect(await batch.result(7)).toMatchObject({
      value: { reason: 'VERSION_MISMATCH', status: 10, version },
    });
    expect(await batch.result(8)).toMatchObject({
      $case: 'get',
      value: { found: true, value: key, version },
    });
    expect(await batch.result(9)).toMatchObject({ $case: 'delete', value: { deleted: true } });
    expect(await batch.result(10)).toMatchObject({ value: { deleted: false, version: 0 } });
    expect(batch.order).toEqual([5, 6, 7, 8, 9, 10]);
  });

  it('answers out of order where commands wait', async () => {
    const batch = batchOf(await serve());
    batch.send([
      [1, 'BLPOP a 0'],
      [2, 'BLPOP b 0.05'],
      [3, 'SET k v'],
      [4, 'GET k'],
    ]);
    expect(await batch.value(4)).toEqual(Buffer.from('v'));
    expect(await batch.value(2)).toEqual({});
    batch.send([[5, 'RPUSH a x']]);
    expect(await batch.result(1)).toMatchObject({ $case: 'execute' });
    expect(batch.order.slice(0, 3)).toEqual([3, 4, 2]);
  });

  it('uses the database of the command, of the stream, or 0', async () => {
    const server = await serve();
    const batch = batchOf(server, metadataOf({ database: '2' }));
    const key = Buffer.from('k');
    const put = (id: number, value: string, database?: number): kv.Command => ({
      id,
      operation: {
        $case: 'put',
        value: {
          key,
          value: Buffer.from(value),
          onlyIfAbsent: false,
          ...(database !== undefined && { database }),
        },
      },
    });
    batch.stream.write({ commands: [put(1, 'two'), put(2, 'zero', 0), put(3, 'none', 99)], cancel: [] });
    expect(await batch.result(3)).toMatchObject({ $case: 'error', value: { reason: 'INVALID' } });
    const client = clientOf(server);
    expect((await execute(client, 'GET k')).value?.kind?.value).toEqual(Buffer.from('zero'));
    const metadata = metadataOf({ database: '2' });
    expect((await execute(client, 'GET k', { metadata })).value?.kind?.value).toEqual(Buffer.from('two'));
  });

  it('refuses what needs a connection, and goes on', async () => {
    const batch = batchOf(await serve());
    batch.send([
      [1, 'MULTI'],
      [2, 'SUBSCRIBE c'],
      [3, 'client reply off'],
      [4, 'PING'],
    ]);
    expect(await batch.value(4)).toBe('PONG');
    for (const id of [1, 2, 3]) {
      expect(await batch.result(id)).toMatchObject({ $case: 'error', value: { reason: 'UNSUPPORTED' } });
    }
  });

  it('cancels commands that wait', async () => {
    const server = await serve();
    const batch = batchOf(server);
    batch.send([
      [1, 'BLPOP list 0'],
      [2, 'BLPOP list 0'],
    ]);
    batch.send([], [1, 99]);
    expect(await batch.result(1)).toMatchObject({
      $case: 'error',
      value: { reason: 'CANCELLED', status: 1 },
    });
    batch.send([[3, 'RPUSH list x']]);
    expect(await batch.result(2)).toMatchObject({ $case: 'execute' });
  });

  it('limits how many commands wait', async () => {
    const batch = batchOf(await serve());
    batch.send(Array.from({ length: waitingMax + 1 }, (_, i) => [i + 1, 'BLPOP list 0']));
    batch.send([[5000, 'PING']]);
    expect(await batch.result(waitingMax + 1)).toMatchObject({ value: { reason: 'LIMIT', status: 8 } });
    expect(await batch.value(5000)).toBe('PONG');
  });

  it('ends its commands with it', async () => {
    const server = await serve();
    const batch = batchOf(server);
    batch.send([[1, 'BLPOP list 0']]);
    const client = clientOf(server);
    await expect.poll(() => blockedCount(client)).toContain('blocked_clients:1');
    batch.stream.cancel();
    await expect.poll(() => blockedCount(client)).toContain('blocked_clients:0');
    await expect.poll(() => server.exporter.connectionCount).toBe(0);
  });

  it('answers what was asked before the client ended its side', async () => {
    const batch = batchOf(await serve());
    batch.send([
      [1, 'SET k v'],
      [2, 'BLPOP list 0.05'],
    ]);
    batch.stream.end();
    await batch.result(2);
    await expect.poll(() => batch.status).toBe('ended');
    expect([...batch.order]).toEqual([1, 2]);
  });

  it('ends with a status when a message is none', async () => {
    const server = await serve();
    const asIs = (bytes: Buffer): Buffer => bytes;
    const stream = clientOf(server).makeBidiStreamRequest('/kv.v1.KV/Batch', asIs, asIs);
    const ended = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
    stream.resume();
    stream.write(Buffer.from([0x0a, 50, 1]));
    expect((await ended).code).toBe(codes.INVALID_ARGUMENT);
  });

  it('runs nothing further for a client that does not read', async () => {
    const server = await serve();
    const client = clientOf(server);
    const value = Buffer.alloc(100_000, 'v');
    const key = Buffer.from('large');
    const count = 2000;
    const batch = batchOf(server);
    batch.stream.write({
      commands: [{ id: count + 1, operation: { $case: 'put', value: { key, value, onlyIfAbsent: false } } }],
      cancel: [],
    });
    await batch.result(count + 1);
    batch.stream.pause();
    const { stats } = server.stack.kv;
    const hitsBefore = stats.hits;
    for (let i = 0; i < count; i += 100) {
      const commands = Array.from({ length: 100 }, (_, j): kv.Command => {
        return { id: i + j + 1, operation: { $case: 'get', value: { key } } };
      });
      batch.stream.write({ commands, cancel: [] });
    }
    // It comes to a halt: two calls later nothing more was run.
    let seen = -1;
    await expect
      .poll(
        async () => {
          const isHalted = stats.hits > hitsBefore && stats.hits === seen;
          seen = stats.hits;
          await execute(client, 'PING');
          return isHalted;
        },
        { interval: 50, timeout: 10_000 },
      )
      .toBe(true);
    expect(stats.hits - hitsBefore).toBeLessThan(count / 2);
    batch.stream.resume();
    await expect.poll(() => batch.results.size, { timeout: 10_000 }).toBe(count + 1);
    for (const { outcome } of batch.results.values()) expect(outcome?.$case).not.toBe('error');
  });

  it('lets others have their turn during a long message', async () => {
    const server = await serve();
    const batch = batchOf(server);
    const count = 50_000;
    batch.send(Array.from({ length: count }, (_, i) => [i + 1, 'INCR n']));
    const client = clientOf(server);
    let seen = 0;
    let between = 0;
    while (seen < count) {
      const { value } = await execute(client, 'INCRBY n 0');
      const now = Number(value?.kind?.value);
      if (now > 0 && now < count) between++;
      seen = now;
    }
    expect(between).toBeGreaterThan(0);
    await expect.poll(() => batch.results.size, { timeout: 10_000 }).toBe(count);
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
