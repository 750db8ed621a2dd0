/**
 * A node's name belongs to one process at a time: a key of etcd under a lease, renewed while the process runs.
 *
 *     no key                      it is taken
 *     the same directory's        taken over at once: a life of this node before this one has died, since the directory
 *                                 is locked
 *     another one's, renewed      refused: that process runs
 *     another one's, silent       taken when its lease is over
 *
 * A process that could not renew it for so long that another one has it now ends (`onLost`). Nothing rests on this: who
 * may append to a log is decided there. It keeps an operator's mistake from becoming two nodes that take turns.
 */
import { hostname } from 'node:os';
import { type Env, KvError, pause, Recurring } from '@holdfast/common';
import { type Etcd, put, revisionIs } from '@holdfast/etcd';
import type { EtcdLayout } from './etcd-layout.js';
import { claimPollMs, claimRenewalMs, claimSeconds } from './limits.js';

export interface NodeClaimOptions {
  readonly etcd: Pick<Etcd, 'grantLease' | 'range' | 'revokeLease' | 'transact'>;
  readonly env: Env;
  readonly layout: EtcdLayout;
  readonly node: string;
  /** Of the node's directory, for good. */
  readonly identity: string;
  /** Another process has the name now. */
  readonly onLost: (error: KvError) => void;
}

interface Claim {
  readonly identity: string;
  /** This life of it. */
  readonly life: string;
  /** Where it runs, for people. */
  readonly process: string;
}

export class NodeClaim {
  readonly #options: NodeClaimOptions;
  readonly #key: Buffer;
  readonly #life: string;
  #lease = 0;
  #revision = 0;
  #renewal!: Recurring;

  /** Throws KvError LOCKED when another process runs under the name; UNAVAILABLE, UNDETERMINED, DENIED. */
  static async take(options: NodeClaimOptions): Promise<NodeClaim> {
    const claim = new NodeClaim(options);
    await claim.#take();
    claim.#renew();
    return claim;
  }

  private constructor(options: NodeClaimOptions) {
    this.#options = options;
    this.#life = options.env.random.fill(Buffer.alloc(8)).toString('hex');
    this.#key = Buffer.from(options.layout.claim(options.node));
  }

  /** Lets others have it at once. */
  async release(): Promise<void> {
    await this.#renewal.close();
    // What can't be released ends with its lease.
    await this.#options.etcd.revokeLease(this.#lease).catch(() => {});
  }

  async #take(): Promise<void> {
    const { env, identity } = this.#options;
    const beganMs = env.clock.monotonic();
    let silent: number | null = null;
    for (;;) {
      const { claim, revision } = await this.#read();
      if (claim === null || claim.identity === identity) {
        if (await this.#write(revision)) return;
        continue;
      }
      // Who renews it runs; and whoever has it for longer than a lease without that was renewed unseen.
      const isOver = env.clock.monotonic() - beganMs > claimSeconds * 2000;
      if (isOver || (silent !== null && revision !== silent)) throw this.#taken(claim);
      silent = revision;
      await pause(env.timers, claimPollMs);
    }
  }

  async #read(): Promise<{ readonly claim: Claim | null; readonly revision: number }> {
    const [pair] = (await this.#options.etcd.range({ key: this.#key })).kvs;
    if (pair === undefined) return { claim: null, revision: 0 };
    return { claim: JSON.parse(pair.value.toString()) as Claim, revision: pair.modRevision };
  }

  /** Under a new lease: the one before ends by itself. False when the key is not as it was at `revision`. */
  async #write(revision: number): Promise<boolean> {
    const { etcd, identity } = this.#options;
    const lease = await etcd.grantLease(claimSeconds);
    const claim: Claim = { identity, life: this.#life, process: `process ${process.pid} on ${hostname()}` };
    const { header, succeeded } = await etcd.transact({
      compare: [revisionIs(this.#key, revision)],
      success: [put(this.#key, Buffer.from(JSON.stringify(claim)), lease)],
    });
    if (!succeeded) return false;
    this.#lease = lease;
    this.#revision = header!.revision;
    return true;
  }

  /** What fails is tried again: without etcd nobody else can have it either. */
  #renew(): void {
    const { timers } = this.#options.env;
    this.#renewal = new Recurring({ timers, intervalMs: claimRenewalMs, work: () => this.#writeAgain() });
  }

  async #writeAgain(): Promise<void> {
    if (await this.#write(this.#revision)) return;
    const { claim, revision } = await this.#read();
    if (claim === null || claim.life === this.#life) this.#revision = revision;
    else this.#lose(claim);
  }

  #lose(claim: Claim): void {
    if (this.#renewal.isClosed) return;
    void this.#renewal.close();
    this.#options.onLost(this.#taken(claim));
  }

  #taken({ process: other }: Claim): KvError {
    const { node } = this.#options;
    return new KvError(
      'LOCKED',
      `node ${node} runs already: ${other}. Each node needs a name and a directory of its own (--node, --dir)`,
    );
  }
}
