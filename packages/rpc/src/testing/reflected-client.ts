/** A gRPC client that knows nothing beforehand: it asks the server for descriptors, as grpcurl does. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  type ClientDuplexStream,
  credentials,
  makeClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  loadFileDescriptorSetFromBuffer,
  loadSync,
  type Options,
  type PackageDefinition,
  type ServiceDefinition,
} from '@grpc/proto-loader';
import { tagOf, WireWriter, wireTypes } from '../wire.js';

const options: Options = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true };

/** Of the reflection API: the same under two names, of which older clients know the second. */
export type ReflectionVersion = 'v1' | 'v1alpha';

/** Methods by the names in the proto file, in camel case too; messages as plain objects. */
export interface ReflectedClient {
  readonly services: readonly string[];
  unary(method: string, request: object): Promise<Record<string, unknown>>;
  serverStream(method: string, request: object): Promise<Record<string, unknown>[]>;
  close(): void;
}

interface ReflectionAnswer {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] } | null;
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] } | null;
}

type Method = (request: object, callback?: (error: ServiceError | null, answer: object) => void) => unknown;

/** A client of one service of the server at `address`. */
export async function reflectedClient(
  address: string,
  service: string,
  version: ReflectionVersion = 'v1',
): Promise<ReflectedClient> {
  const { services, files } = await reflect(address, service, version);
  const definition = serviceOf(loadFileDescriptorSetFromBuffer(descriptorSet(files), options), service);
  const client = new (makeClientConstructor(definition, service))(address, credentials.createInsecure());
  const methodOf = (name: string): Method => {
    const method = (client as unknown as Record<string, Method>)[name];
    return (...args) => method.apply(client, args);
  };
  return {
    services,
    unary: (name, request) =>
      new Promise((resolve, reject) => {
        methodOf(name)(request, (error, answer) => {
          if (error === null) resolve(answer as Record<string, unknown>);
          else reject(error);
        });
      }),
    serverStream: async (name, request) => {
      const messages: Record<string, unknown>[] = [];
      const stream = methodOf(name)(request) as AsyncIterable<Record<string, unknown>>;
      for await (const message of stream) messages.push(message);
      return messages;
    },
    close: () => client.close(),
  };
}

async function reflect(
  address: string,
  service: string,
  version: ReflectionVersion,
): Promise<{ services: string[]; files: Buffer[] }> {
  const name = `grpc.reflection.${version}.ServerReflection`;
  const client = new (makeClientConstructor(serviceOf(reflectionPackage(version), name), name))(
    address,
    credentials.createInsecure(),
  );
  const methods = client as unknown as {
    ServerReflectionInfo(): ClientDuplexStream<object, ReflectionAnswer>;
  };
  const stream = methods.ServerReflectionInfo();
  stream.write({ list_services: '' });
  stream.write({ file_containing_symbol: service });
  stream.end();
  const services: string[] = [];
  const files: Buffer[] = [];
  for await (const answer of stream as AsyncIterable<ReflectionAnswer>) {
    services.push(...(answer.list_services_response?.service ?? []).map((each) => each.name));
    files.push(...(answer.file_descriptor_response?.file_descriptor_proto ?? []));
  }
  client.close();
  return { services, files };
}

/** The reflection API's own descriptors, which a client does need beforehand. */
function reflectionPackage(version: ReflectionVersion): PackageDefinition {
  const main = createRequire(import.meta.url).resolve('@grpc/reflection');
  return loadSync(join(dirname(main), `../proto/grpc/reflection/${version}/reflection.proto`), options);
}

function serviceOf(definition: PackageDefinition, name: string): ServiceDefinition {
  const found = definition[name];
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found as ServiceDefinition;
}

/** A google.protobuf.FileDescriptorSet. */
function descriptorSet(files: readonly Buffer[]): Buffer {
  const set = new WireWriter(1024);
  for (const file of files) {
    set.reserve(file.length + 16);
    set.field(tagOf(1, wireTypes.bytes), file, 0, file.length);
  }
  return set.take();
}
