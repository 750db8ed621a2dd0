/** What every gRPC server offers beside its own service: health, and reflection for clients without stubs. */
import { createRequire } from 'node:module';
import type { Server } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import type { Timer, Timers } from '@holdfast/common';
import type { HealthImplementation } from 'grpc-health-check';
import { descriptors } from './gen/descriptors.js';
import { addLateServices, shapes } from './late-services.js';

/** They are CommonJS: what is loaded late can be loaded where nothing may be awaited. */
const require = createRequire(import.meta.url);

const healthMethods = {
  '/grpc.health.v1.Health/Check': shapes.unary,
  '/grpc.health.v1.Health/Watch': shapes.serverStream,
  '/grpc.health.v1.Health/List': shapes.unary,
};

const reflectionMethods = {
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': shapes.bidirectional,
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': shapes.bidirectional,
};

/** How old what is said of a server's readiness may be, in ms. */
const readinessMs = 1000;

/** What is asked, over and over, whether a server that serves can do anything for those who come. */
export interface Readiness {
  readonly isReady: () => boolean;
  readonly timers: Timers;
}

/** The state that grpc.health.v1 reports: of the server as a whole (the empty name), and of its service. */
export class Health {
  readonly #services: readonly string[];
  readonly #readiness: Readiness | null;
  #isServing = false;
  #timer: Timer | null = null;
  /** Null until somebody asks. */
  #health: HealthImplementation | null = null;

  constructor(service: string, readiness: Readiness | null = null) {
    this.#services = ['', service];
    this.#readiness = readiness;
  }

  addTo(server: Server): void {
    addLateServices(server, healthMethods, () => {
      const library = require('grpc-health-check') as typeof import('grpc-health-check');
      this.#health = new library.HealthImplementation();
      this.#tell();
      return this.#health;
    });
  }

  setServing(isServing: boolean): void {
    this.#isServing = isServing;
    this.#tell();
  }

  #tell(): void {
    if (this.#health === null) return;
    const isServing = this.#isServing && this.#readiness?.isReady() !== false;
    for (const name of this.#services) this.#health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING');
    if (this.#readiness !== null) this.#tellLater(this.#readiness.timers);
  }

  #tellLater(timers: Timers): void {
    if (this.#timer !== null) timers.clearTimeout(this.#timer);
    this.#timer = this.#isServing ? timers.setTimeout(() => this.#tell(), readinessMs) : null;
  }
}

/** Lets clients ask `server` for the descriptors of `services`. */
export function addReflection(server: Server, ...services: string[]): void {
  addLateServices(server, reflectionMethods, () => {
    const { ReflectionService } = require('@grpc/reflection') as typeof import('@grpc/reflection');
    return new ReflectionService(packageDefinition(), { services });
  });
}

function packageDefinition(): PackageDefinition {
  const loader = require('@grpc/proto-loader') as typeof import('@grpc/proto-loader');
  const { protoPath } = require('grpc-health-check') as typeof import('grpc-health-check');
  return {
    ...loader.loadFileDescriptorSetFromBuffer(Buffer.from(descriptors, 'base64')),
    ...loader.loadSync(protoPath),
  };
}
