/** Who waits until replicas have what it has written (WAIT). */
import type { KV, Session } from '@holdfast/engine';
import type { Replica } from './replica.js';

export class Acknowledgements {
  readonly #kv: KV;
  readonly #replicas: ReadonlyMap<Session, Replica>;
  /** How many replicas each waits for. */
  readonly #waiting = new Map<Session, number>();

  constructor(kv: KV, replicas: ReadonlyMap<Session, Replica>) {
    this.#kv = kv;
    this.#replicas = replicas;
  }

  /** How many have what the session has written. */
  countOf({ historyOffset }: Session): number {
    let count = 0;
    for (const { offset, phase } of this.#replicas.values()) {
      if (phase === 'online' && offset >= historyOffset) count++;
    }
    return count;
  }

  await(session: Session, count: number): void {
    this.#waiting.set(session, count);
  }

  forget(session: Session): void {
    this.#waiting.delete(session);
  }

  /** A replica has said how far it is. */
  arrived(): void {
    const { host } = this.#kv;
    for (const [session, count] of [...this.#waiting]) {
      if (!host.isWaiting(session)) this.#waiting.delete(session);
      else if (this.countOf(session) >= count) {
        this.#waiting.delete(session);
        host.unblock(session, false);
      }
    }
  }
}
