/** A server that speaks gRPC in this process, and clients of it: what is opened is closed by `closeAll`. */
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { systemEnv } from '@holdfast/common';
import { type Coordinator, type LocalStack, openLocalStack } from '@holdfast/coord';
import { channelOptions, errorDetailsOf, kv } from '@holdfast/rpc';
import { GrpcExporter } from '../grpc/exporter.js';
import { RequestRoom } from '../grpc/request-room.js';

const closing: (() => unknown)[] = [];

/** Something else that `closeAll` ends, before what was opened earlier. */
export function onClose(close: () => unknown): void {
  closing.push(close);
}

export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close();
}

export interface TestServer {
  readonly address: string;
  readonly stack: LocalStack;
  readonly exporter: GrpcExporter;
  /** Of requests under way. */
  readonly room: RequestRoom;
}

export async function serve(
  parameters: Record<string, string> = {},
  wrap: (coordinator: Coordinator) => Coordinator = (coordinator) => coordinator,
  room = new RequestRoom(),
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
  const exporter = new GrpcExporter({ coordinator: wrap(stack.coordinator), env, config, room });
  const port = await exporter.listen(0, '127.0.0.1');
  onClose(async () => {
    await exporter.close();
    await stack.close();
  });
  return { address: `127.0.0.1:${port}`, stack, exporter, room };
}

export function clientOf({ address }: TestServer): kv.KVClient {
  const client = new kv.KVClient(address, credentials.createInsecure(), channelOptions());
  onClose(() => client.close());
  return client;
}

export function metadataOf(entries: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}

export interface CallRules {
  readonly metadata?: Metadata;
  readonly timeoutMs?: number;
}

export function execute(
  client: kv.KVClient,
  line: string,
  rules: CallRules = {},
): Promise<kv.ExecuteResponse> {
  const request = { args: line.split(' ').map((word) => Buffer.from(word)), protocol: 0 };
  const deadline = Date.now() + (rules.timeoutMs ?? 10_000);
  return new Promise((resolve, reject) => {
    client.execute(request, rules.metadata ?? new Metadata(), { deadline }, (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

export async function failure(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    () => {
      throw new Error('the call succeeded');
    },
    (error: ServiceError) => error,
  );
}

/** Code and reason of a call that fails. */
export async function reasonOf(call: Promise<unknown>): Promise<[number, string | undefined]> {
  const error = await failure(call);
  return [error.code, errorDetailsOf(error)?.reason];
}

/** A Batch stream whose results are found by id. */
export class BatchClient {
  readonly results = new Map<number, kv.Result>();
  readonly order: number[] = [];
  readonly stream: ReturnType<kv.KVClient['batch']>;
  status: ServiceError | 'ended' | null = null;
  readonly #waiting = new Map<number, (result: kv.Result) => void>();

  constructor(client: kv.KVClient, metadata = new Metadata()) {
    this.stream = client.batch(metadata);
    this.stream.on('data', ({ results }: kv.BatchResponse) => {
      for (const result of results) {
        this.results.set(result.id, result);
        this.order.push(result.id);
        this.#waiting.get(result.id)?.(result);
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

  /** Resolves when it is there. */
  async result(id: number): Promise<kv.Result['outcome']> {
    const known = this.results.get(id);
    const result = known ?? (await new Promise<kv.Result>((resolve) => this.#waiting.set(id, resolve)));
    return result.outcome;
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

export function batchOf(server: TestServer, metadata?: Metadata): BatchClient {
  return new BatchClient(clientOf(server), metadata);
}

export async function blockedCount(client: kv.KVClient): Promise<string> {
  const { value } = await execute(client, 'INFO clients');
  return String(value?.kind?.value);
}
