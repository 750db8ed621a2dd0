/** How far the replicas' own disks reach, as a node of the simulation has it: over the network. */
import { KvError } from '@holdfast/common';
import type { ShardRegister } from '@holdfast/coord';
import type { Position } from '@holdfast/log';
import type { NodeLife } from '@holdfast/testing/simulation';
import { logNode, positionsOf, reportPosition } from './log-node.js';

const options = { timeoutMs: 100 };

export class ShardRegisterClient implements ShardRegister {
  readonly #life: NodeLife;

  constructor(life: NodeLife) {
    this.#life = life;
  }

  async report(shard: string, node: string, position: Position): Promise<void> {
    await this.#life.network
      .call(logNode, reportPosition, { shard, node, position }, options)
      .catch(throwUnavailable);
  }

  positions(shard: string): Promise<ReadonlyMap<string, Position>> {
    return this.#life.network.call(logNode, positionsOf, { shard }, options).catch(throwUnavailable);
  }
}

function throwUnavailable(error: unknown): never {
  throw error instanceof KvError ? new KvError('UNAVAILABLE', error.message) : error;
}
