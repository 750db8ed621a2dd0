/** Snapshots from one node of the simulation to another: frames over a stream, of which some are damaged. */
import { KvError } from '@holdfast/common';
import type { ShardHost, SnapshotPeers } from '@holdfast/coord';
import { type NodeLife, streamChannel } from '@holdfast/testing/simulation';

const snapshots = streamChannel<string, Uint8Array | null>('snapshot');

/** How long nothing comes before it is given up, in ms. */
const patienceMs = 400;

/** Sends what is asked for; after the last frame, null. `damageRate`: of the frames. */
export function serveSnapshots(life: NodeLife, host: ShardHost, damageRate: () => number): void {
  life.network.accept(snapshots, (stream) => {
    const send = async (shard: string): Promise<void> => {
      try {
        for await (const frame of host.snapshotFrames(shard)) {
          if (!stream.isOpen) return;
          stream.send(isDamaged(life, damageRate()) ? damaged(life, frame) : frame);
          // Others get their turn between, and change what is not sent yet.
          await life.sleep(life.env.random.uint32() % 5);
        }
        stream.send(null);
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        life.log(`sends no snapshot: ${error.message}`);
      }
      stream.close();
    };
    stream.onMessage((shard) => void send(shard));
  });
}

/** The other nodes of the simulation, in a random order. */
export class SnapshotStreams implements SnapshotPeers {
  readonly #life: NodeLife;
  readonly #nodes: readonly string[];

  constructor(life: NodeLife, nodes: readonly string[]) {
    this.#life = life;
    this.#nodes = nodes.filter((name) => name !== life.name);
  }

  nodesOf(): readonly string[] {
    const first = this.#life.env.random.uint32() % this.#nodes.length;
    return [...this.#nodes.slice(first), ...this.#nodes.slice(0, first)];
  }

  async *open(node: string, shard: string): AsyncGenerator<Uint8Array> {
    const { timers } = this.#life.env;
    const stream = this.#life.network.connect(node, snapshots);
    const arrived: (Uint8Array | null)[] = [];
    let isClosed = false;
    let wake = (): void => {};
    stream.onMessage((frame) => {
      arrived.push(frame);
      wake();
    });
    stream.onClose(() => {
      isClosed = true;
      wake();
    });
    stream.send(shard);
    try {
      for (;;) {
        const frame = arrived.shift();
        if (frame === null) return;
        if (frame !== undefined) {
          yield frame;
          continue;
        }
        let isLate = isClosed;
        if (!isClosed) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            timers.setTimeout(() => {
              isLate = arrived.length === 0;
              resolve();
            }, patienceMs);
          });
        }
        if (isLate && arrived.length === 0) throw new KvError('UNAVAILABLE', `${node} sends no more`);
      }
    } finally {
      stream.close();
    }
  }
}

function isDamaged(life: NodeLife, rate: number): boolean {
  return rate > 0 && life.env.random.uint32() < rate * 0x100000000;
}

function damaged(life: NodeLife, frame: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(frame);
  const at = life.env.random.uint32() % copy.length;
  copy[at] ^= 1 << (life.env.random.uint32() % 8);
  return copy;
}
