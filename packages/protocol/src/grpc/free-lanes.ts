/** The lanes of a stream in which no command waits: opened with the credentials of the stream, and used again. */
// @hot-path
import type { Coordinator, Credentials } from '@holdfast/coord';
import { letIn } from './admission.js';
import { Lane, type LaneOwner } from './lane.js';

export interface FreeLanesOptions {
  readonly coordinator: Coordinator;
  readonly credentials: Credentials | null;
  /** Where the client is. */
  readonly peer: string;
}

export class FreeLanes {
  readonly #owner: LaneOwner;
  readonly #coordinator: Coordinator;
  readonly #credentials: Credentials | null;
  readonly #peer: string;
  readonly #lanes: Lane[] = [];

  constructor(owner: LaneOwner, { coordinator, credentials, peer }: FreeLanesOptions) {
    this.#owner = owner;
    this.#coordinator = coordinator;
    this.#credentials = credentials;
    this.#peer = peer;
  }

  /** One for the next command. Throws KvError when its session is not admitted. */
  take(): Lane {
    return this.#lanes.pop() ?? this.#open();
  }

  /** The command that waited in it is over. */
  give(lane: Lane): void {
    this.#lanes.push(lane);
  }

  close(): void {
    for (const { session } of this.#lanes) this.#coordinator.close(session);
  }

  #open(): Lane {
    const lane = new Lane(this.#owner);
    lane.session = letIn(this.#peer, this.#credentials, (options) => this.#coordinator.open(lane, options));
    return lane;
  }
}
