/** A register in memory behind a `SimulatedNetwork`: reads may find nobody, changes may be of unknown outcome. */
import { KvError } from '@holdfast/common';
import type { Register, RegisterState } from '../register.js';
import type { SimulatedNetwork } from './simulated-network.js';

/** What the clients of one register share. */
export class SimulatedRegisterServer {
  readonly network: SimulatedNetwork;
  state: RegisterState = { version: 0, value: new Uint8Array(0) };

  constructor(network: SimulatedNetwork) {
    this.network = network;
  }

  compareAndSet(version: number, value: Uint8Array): boolean {
    if (this.state.version !== version) return false;
    this.state = { version: version + 1, value: value.slice() };
    return true;
  }
}

export class SimulatedRegister implements Register {
  readonly #server: SimulatedRegisterServer;
  readonly #name: string;

  /** `name`: what the network knows the client by. */
  constructor(server: SimulatedRegisterServer, name = 'client') {
    this.#server = server;
    this.#name = name;
  }

  read(): Promise<RegisterState> {
    return this.#server.network.call(this.#name, () => {
      const { version, value } = this.#server.state;
      return { version, value: value.slice() };
    });
  }

  async compareAndSet(version: number, value: Uint8Array): Promise<boolean> {
    try {
      return await this.#server.network.call(this.#name, () => this.#server.compareAndSet(version, value));
    } catch (cause) {
      throw new KvError('UNDETERMINED', 'no answer in time', { cause });
    }
  }
}
