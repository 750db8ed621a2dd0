/**
 * Who commits what a server on its own writes, and how that changes while it runs: at a moment at which no write is
 * half done and all are handed over, so that none is lost between one committer and the next.
 */
import { type Env, KvError } from '@holdfast/common';
import type { Storage } from '@holdfast/storage';
import type { Committer } from './committer.js';
import type { KeptHistory } from './history/kept-history.js';
import type { KeptLog } from './kept-log.js';
import { LocalCommitter } from './local-committer.js';
import { RecordingCommitter } from './recording-committer.js';

export interface CommitPathOptions {
  readonly env: Env;
  readonly storage: Storage;
  /** Who commits at first. */
  readonly committer: LocalCommitter;
  readonly history: KeptHistory;
  /** From now on what is written is committed this way. */
  readonly commitThrough: (committer: Committer) => void;
  readonly onFatal: (error: KvError) => void;
}

export class CommitPath {
  readonly #options: CommitPathOptions;
  /** Another one after it was given away. */
  #storage: Storage;
  #committer: LocalCommitter | RecordingCommitter;

  constructor(options: CommitPathOptions) {
    this.#options = options;
    this.#storage = options.storage;
    this.#committer = options.committer;
  }

  get storage(): Storage {
    return this.#storage;
  }

  get committer(): LocalCommitter | RecordingCommitter {
    return this.#committer;
  }

  /** Resolves at a moment at which no write is half done, and all are handed over. Throws KvError CLOSED. */
  async settled(): Promise<void> {
    do await this.#committer.drained();
    while (this.#committer.isHeld && !this.#committer.isAbandoned);
    if (this.#committer.isAbandoned) throw new KvError('CLOSED', 'the server ends within a write');
    this.#committer.settle();
  }

  /** To a log, from now on: the caller knows that everything is settled. */
  appendTo(log: KeptLog): LocalCommitter {
    return this.#adopt(this.#localCommitter(log));
  }

  /** To nothing, once everything is settled; `inBetween` comes right before. */
  async keepInMemory(inBetween: () => void = () => {}): Promise<void> {
    await this.settled();
    inBetween();
    this.#adopt(this.#localCommitter(null));
  }

  /** All that is written is recorded, once everything is settled. */
  async record(): Promise<RecordingCommitter> {
    await this.settled();
    return this.#adopt(new RecordingCommitter(this.#storage, this.#options.history));
  }

  /** Somebody else has committed meanwhile, to a storage of their own, and `committer` does already. */
  takeBack(storage: Storage, committer: LocalCommitter): void {
    this.#storage = storage;
    this.#committer = committer;
  }

  #localCommitter(log: KeptLog | null): LocalCommitter {
    const { env, history, onFatal } = this.#options;
    return new LocalCommitter({ storage: this.#storage, env, log, history, onFatal });
  }

  #adopt<C extends LocalCommitter | RecordingCommitter>(committer: C): C {
    this.#committer = committer;
    this.#options.commitThrough(committer);
    return committer;
  }
}
