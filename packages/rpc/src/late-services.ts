/**
 * Services of libraries that are loaded at the first call, as few processes are ever asked for them: reflection and
 * health bring protobuf.js and read .proto files, which takes a process that starts a quarter of a second.
 */
import type { MethodDefinition, Server, ServiceDefinition, UntypedHandleCall } from '@grpc/grpc-js';

type Method = MethodDefinition<unknown, unknown>;

/** Whether requests and responses are streams. */
type Shape = readonly [requestStream: boolean, responseStream: boolean];

export const shapes = {
  unary: [false, false],
  serverStream: [false, true],
  bidirectional: [true, true],
} as const satisfies Record<string, Shape>;

/** What a library adds to a server. */
interface Addable {
  addToServer(server: Server): void;
}

/** Adds `methods` (by path, such as `/grpc.health.v1.Health/Check`), which are those that `load` brings. */
export function addLateServices(
  server: Server,
  methods: Readonly<Record<string, Shape>>,
  load: () => Addable,
): void {
  let loaded: LoadedServices | null = null;
  const services = (): LoadedServices => {
    loaded ??= new LoadedServices(load());
    return loaded;
  };
  for (const [path, [requestStream, responseStream]] of Object.entries(methods)) {
    const definition: Method = {
      path,
      requestStream,
      responseStream,
      requestSerialize: (request) => services().method(path).requestSerialize(request),
      requestDeserialize: (bytes) => services().method(path).requestDeserialize(bytes),
      responseSerialize: (response) => services().method(path).responseSerialize(response),
      responseDeserialize: (bytes) => services().method(path).responseDeserialize(bytes),
    };
    // A call is a stream, a callback or both: whoever handles it is told the same.
    const handle = (...call: unknown[]): void => services().handle(path, call);
    server.addService({ [path]: definition }, { [path]: handle as UntypedHandleCall });
  }
}

/** Methods and their handlers, by path, which a library would have given a server. */
class LoadedServices {
  readonly #methods = new Map<string, Method>();
  readonly #handlers = new Map<string, (...call: unknown[]) => void>();

  constructor(library: Addable) {
    const server: Pick<Server, 'addService'> = {
      addService: (service: ServiceDefinition, implementation) => {
        for (const [name, method] of Object.entries(service)) {
          const handler = implementation[name] ?? implementation[method.originalName ?? ''];
          if (handler === undefined) continue;
          this.#methods.set(method.path, method);
          this.#handlers.set(method.path, handler.bind(implementation) as (...call: unknown[]) => void);
        }
      },
    };
    library.addToServer(server as Server);
  }

  method(path: string): Method {
    const method = this.#methods.get(path);
    if (method === undefined) throw new Error(`the library has no ${path}`);
    return method;
  }

  handle(path: string, call: readonly unknown[]): void {
    this.#handlers.get(path)?.(...call);
  }
}
