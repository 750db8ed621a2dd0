/** The timestamp service of the simulation: one node that may fail, and whose mark survives it. */
import { KvError } from '@holdfast/common';
import { callChannel, type NodeLife } from '@holdfast/testing/simulation';
import { type HighWaterMark, LocalOracle, type Oracle } from '@holdfast/tso';

const takeTimestamps = callChannel<{ readonly count: number }, number>('tso.take');

export const timestampNode = 'tso';

export async function serveTimestamps(life: NodeLife, mark: HighWaterMark): Promise<void> {
  const oracle = await LocalOracle.open({ env: life.env, mark, aheadMs: 1000 });
  life.network.serve(takeTimestamps, ({ count }) => oracle.fetch(count));
}

const callTimeoutMs = 60;
const fetchTimeoutMs = 2000;

/** The oracle of a node of the simulation. */
export class TimestampClient implements Oracle {
  readonly #life: NodeLife;

  constructor(life: NodeLife) {
    this.#life = life;
  }

  next(): number {
    throw new KvError('UNAVAILABLE', 'timestamps are fetched');
  }

  async fetch(count: number): Promise<number> {
    const { clock } = this.#life.env;
    const untilMs = clock.monotonic() + fetchTimeoutMs;
    for (;;) {
      try {
        const options = { timeoutMs: callTimeoutMs };
        return await this.#life.network.call(timestampNode, takeTimestamps, { count }, options);
      } catch (error) {
        if (clock.monotonic() > untilMs) throw new KvError('UNAVAILABLE', String(error));
        await this.#life.sleep(5);
      }
    }
  }

  async ready(): Promise<void> {}
  async close(): Promise<void> {}
}
