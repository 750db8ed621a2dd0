/** A storage node of the simulation: a `ShardHost` as it is, and a door for clients. */
import {
  ErrorReply,
  type LeaderHint,
  type ReplyValue,
  Request,
  reasonOf,
  ValueReply,
} from '@holdfast/common';
import {
  type Coordinator,
  type Fate,
  outcomes,
  PeerSnapshots,
  type ReadMode,
  type Replica,
  type Session,
  type SessionSink,
  ShardHost,
  type ShardHostOptions,
  type ShardPlacement,
  Turns,
} from '@holdfast/coord';
import { callChannel, type NodeLife } from '@holdfast/testing/simulation';
import { LogClient } from './log-client.js';
import { logGrew } from './log-node.js';
import { brokenParts, frontOf, type Mistake, registerOf, sourceOf } from './mistakes.js';
import type { Places } from './places.js';
import { ShardRegisterClient } from './shard-register-client.js';
import { SnapshotStreams, serveSnapshots } from './snapshot-streams.js';
import { TimestampClient } from './timestamp-node.js';

/** What a client asks: commands that follow each other, or happen at once. */
export interface Ask {
  readonly shard: string;
  readonly readMode: ReadMode;
  readonly commands: readonly (readonly string[])[];
  readonly isTransaction: boolean;
}

/** What a reply looks like on its way: bytes as text, errors by their message. */
export type Told = null | number | string | { readonly error: string } | readonly Told[];

export type Answer =
  | { readonly kind: 'replies'; readonly replies: readonly Told[]; readonly version: number }
  /** Nothing was executed. */
  | { readonly kind: 'refused'; readonly leader: string | null }
  /** Executed, and nobody knows whether it counts. */
  | { readonly kind: 'undetermined' };

export const ask = callChannel<Ask, Answer>('ask');

export interface StorageNodeOptions {
  readonly placements: readonly ShardPlacement[];
  readonly places: Places;
  readonly nodes: readonly string[];
  readonly leaseMs: number;
  /** How often snapshots are thought of, and after how much of the log. */
  readonly keep: NonNullable<ShardHostOptions['keep']>;
  /** What the histories of the node's replicas may take. */
  readonly historyBytes: number;
  /** Of the frames of snapshots, those that are damaged on their way. */
  readonly damageRate: () => number;
  readonly mistake: Mistake | null;
  /** The host of this life is there. */
  readonly onHost: (host: ShardHost) => void;
}

export async function runStorageNode(life: NodeLife, options: StorageNodeOptions): Promise<void> {
  const { damageRate, historyBytes, keep, leaseMs, mistake, nodes, onHost, placements, places } = options;
  const logs = new Map<string, LogClient>();
  life.network.onMessage(logGrew, ({ shard, state }) => logs.get(shard)?.note(state));
  const source = new TimestampClient(life);
  const host = new ShardHost({
    node: life.name,
    addresses: { redis: '', node: life.name },
    env: life.env,
    front: frontOf(mistake, { source, env: life.env, isOneShard: () => placements.length === 1 }),
    openLog: async (shard) => {
      const log = await LogClient.open(life, shard, mistake);
      logs.set(shard, log);
      return log;
    },
    placeOf: (shard) => places.of(shard, life.env),
    source: sourceOf(mistake, new PeerSnapshots(new SnapshotStreams(life, nodes))),
    register: registerOf(mistake, new ShardRegisterClient(life), logs),
    keep,
    leaseMs,
    history: { bytes: historyBytes, seconds: 0 },
    onError: (error) => life.log(`error: ${reasonOf(error)}`),
    ...(mistake !== null && { parts: brokenParts(mistake) }),
  });
  host.onRole(({ epoch, leader, role, shard }) => {
    life.log(`${shard}: ${role} in epoch ${epoch}, led by ${leader?.node ?? 'nobody'}`);
  });
  await host.place(placements);
  const doors = new Map<string, Door>();
  for (const replica of host.replicas()) doors.set(replica.shard, new Door(life, host, replica));
  life.network.serve(ask, (request) => doors.get(request.shard)!.answer(request));
  serveSnapshots(life, host, damageRate);
  onHost(host);
}

/** Lets clients in to one shard. */
class Door {
  readonly #life: NodeLife;
  readonly #host: ShardHost;
  readonly #coordinator: Coordinator;
  readonly #turns: Turns;

  constructor(life: NodeLife, host: ShardHost, replica: Replica) {
    this.#life = life;
    this.#host = host;
    this.#coordinator = replica.coordinator;
    this.#turns = new Turns(replica.coordinator, life.env.timers);
  }

  async answer({ commands, isTransaction, readMode }: Ask): Promise<Answer> {
    const visit = new Visit(this.#coordinator, this.#turns, readMode);
    // Half of them wait for timestamps here, the others in the coordinator.
    const arrival = this.#host.timestamps.arrive();
    const isManaged = this.#life.env.random.uint32() % 2 === 0;
    try {
      if (isManaged) await this.#host.timestamps.ready(arrival, 1);
      const all = isTransaction ? [['MULTI'], ...commands, ['EXEC']] : commands;
      const replies: Told[] = [];
      let version = 0;
      for (const command of all) {
        const answer = await visit.run(
          command,
          isManaged ? arrival : 0,
          isTransaction && command !== all.at(-1),
        );
        if (answer.kind !== 'replies') return answer;
        replies.push(...answer.replies);
        version = answer.version;
      }
      return { kind: 'replies', replies: isTransaction ? replies.slice(-1) : replies, version };
    } catch {
      return { kind: 'refused', leader: null };
    } finally {
      visit.end();
    }
  }
}

/** Notes a refusal for what it is. */
class NotingReply extends ValueReply {
  refusal: { leader: string | null } | null = null;

  override notLeader(slot: number, leader: LeaderHint | null): void {
    this.refusal = { leader: leader?.node ?? null };
    super.notLeader(slot, leader);
  }
}

/** A session for one question. */
class Visit implements SessionSink {
  readonly reply = new NotingReply(3);
  readonly outputBytes = 0;
  readonly inputBytes = 0;
  readonly #session: Session;
  readonly #coordinator: Coordinator;
  readonly #turns: Turns;
  #resume: () => void = () => {};

  constructor(coordinator: Coordinator, turns: Turns, readMode: ReadMode) {
    this.#coordinator = coordinator;
    this.#turns = turns;
    const options = { protocol: 'simulation', address: '', localAddress: '', readMode };
    this.#session = coordinator.open(this, options)!;
    this.#session.dialect = 3;
  }

  /** Runs a command. `isSilent`: its answer says nothing yet, and need not wait for a commit. */
  async run(command: readonly string[], arrival: number, isSilent: boolean): Promise<Answer> {
    const session = this.#session;
    this.#turns.begin();
    session.arrival = arrival;
    const outcome = this.#coordinator.coordinate(session, Request.of(...command), this.reply);
    if (outcome === outcomes.pending) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
    const value = this.reply.take();
    const { refusal } = this.reply;
    if (refusal !== null) return { kind: 'refused', ...refusal };
    if (value === undefined) return { kind: 'undetermined' };
    const told = toldOf(value);
    if (isSilent) return { kind: 'replies', replies: [told], version: 0 };
    const version = session.dependsOn;
    const fate = await new Promise<Fate>((resolve) => {
      this.#turns.whenCommitted(session.dependsOn, () => resolve('committed'), resolve);
    });
    if (fate === 'dropped') return { kind: 'refused', leader: null };
    return fate === 'unknown' ? { kind: 'undetermined' } : { kind: 'replies', replies: [told], version };
  }

  end(): void {
    this.#coordinator.close(this.#session);
  }

  wake(): void {}

  resume(): void {
    this.#resume();
  }

  close(): void {
    this.#resume();
  }
}

function toldOf(value: ReplyValue): Told {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (value instanceof ErrorReply) return { error: value.message };
  if (Array.isArray(value)) return value.map(toldOf);
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'object' && 'members' in value) return value.members.map(toldOf);
  if (typeof value === 'object' && 'text' in value) return value.text;
  return String(value);
}
