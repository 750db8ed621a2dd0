/** What every gRPC server offers beside its own service: health, and reflection for clients without stubs. */
import type { Server } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer, loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, protoPath } from 'grpc-health-check';
import { descriptors } from './gen/descriptors.js';

/** The state that grpc.health.v1 reports: of the server as a whole (the empty name), and of its services. */
export class Health {
  readonly #services: readonly string[];
  readonly #health: HealthImplementation;

  constructor(...services: string[]) {
    this.#services = ['', ...services];
    this.#health = new HealthImplementation();
    this.setServing(false);
  }

  addTo(server: Server): void {
    this.#health.addToServer(server);
  }

  setServing(isServing: boolean): void {
    for (const name of this.#services) this.#health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING');
  }
}

/** Lets clients ask `server` for the descriptors of `services`. */
export function addReflection(server: Server, ...services: string[]): void {
  new ReflectionService(packageDefinition(), { services }).addToServer(server);
}

function packageDefinition(): PackageDefinition {
  return { ...loadFileDescriptorSetFromBuffer(Buffer.from(descriptors, 'base64')), ...loadSync(protoPath) };
}
