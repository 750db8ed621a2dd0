/** One that follows this server, or copies its data. */
import { KvError } from '@holdfast/common';
import type { ReplicaStatus, ReplicaTraits, Session } from '@holdfast/engine';
import type { DataCopy } from './data-copy.js';

export type ReplicaPhase = 'copying' | 'marked' | 'online';

/** Of one that has said nothing of itself yet. */
export function unknownTraits(): ReplicaTraits {
  return {
    port: 0,
    host: '',
    knowsEndMark: false,
    knowsNewHistory: false,
    wantsCopyOnly: false,
    wantsData: true,
    wantsFunctions: true,
  };
}

export class Replica implements ReplicaStatus {
  readonly session: Session;
  readonly traits: ReplicaTraits;
  /** It only knows SYNC: it says nothing of how far it is. */
  readonly isSilent: boolean;
  /** `marked`: the copy is sent, and nothing may follow its end before it was found, which an acknowledgement says. */
  phase: ReplicaPhase = 'online';
  copy: DataCopy | null = null;
  offset = 0;
  heardMs: number;
  /** The copy is only sent once it is complete: nothing was sent yet. */
  isMeasured = false;
  /** What it is to be sent after the copy. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(session: Session, traits: ReplicaTraits, isSilent: boolean, nowMs: number) {
    this.session = session;
    this.traits = traits;
    this.isSilent = isSilent;
    this.heardMs = nowMs;
  }

  // ReplicaStatus

  get host(): string {
    if (this.traits.host !== '') return this.traits.host;
    const { address } = this.session;
    return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  }

  get port(): number {
    return this.traits.port;
  }

  get state(): ReplicaStatus['state'] {
    if (this.phase === 'online') return 'online';
    return this.isMeasured ? 'wait_bgsave' : 'send_bulk';
  }

  /** Sends bytes of the history, `bytes[0, length)`, now or when the copy is there. */
  stream(bytes: Uint8Array, length: number, version: number): void {
    if (this.traits.wantsCopyOnly) return;
    if (version > this.session.dependsOn) this.session.dependsOn = version;
    if (this.phase === 'online') {
      this.send(bytes, length);
    } else {
      this.#pending.push(Buffer.from(bytes.subarray(0, length)));
      this.#pendingBytes += length;
    }
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Sends what waited for the copy to be there, and from now on everything at once. */
  goOnline(nowMs: number): void {
    this.phase = 'online';
    this.heardMs = nowMs;
    for (const piece of this.#pending) this.send(piece, piece.length);
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** Sends `bytes[0, length)` as they are. */
  send(bytes: Uint8Array, length: number): void {
    const { reply } = this.session.sink;
    reply.raw(bytes, 0, length);
    this.session.sink.wake();
  }

  sendText(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.send(bytes, bytes.length);
  }

  /** It is gone, or is to go: its copy ends. */
  end(): void {
    this.copy?.end(new KvError('CLOSED', 'who wanted the copy is gone'));
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}
