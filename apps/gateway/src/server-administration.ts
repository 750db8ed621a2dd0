/** What an operator can have a whole server do, and what it says of itself. */
import { type Env, KvError } from '@holdfast/common';
import { encodeSnapshot, historyBatches, type LocalStack } from '@holdfast/coord';
import {
  type Administration,
  type Consistency,
  type ProcessStatus,
  replicaStatusOf,
} from '@holdfast/protocol';
import { admin } from '@holdfast/rpc';
import { versionOf } from '@holdfast/service';
import type { ServerEtcd } from './server-etcd.js';
import type { Settings } from './settings.js';

export interface ServerAdministrationOptions {
  readonly settings: Settings;
  readonly env: Env;
  readonly stack: LocalStack;
  readonly etcd: ServerEtcd;
}

const version = versionOf(new URL('../package.json', import.meta.url));

export class ServerAdministration implements Administration {
  readonly #options: ServerAdministrationOptions;
  readonly #beganMs: number;
  #isSwitching = false;

  constructor(options: ServerAdministrationOptions) {
    this.#options = options;
    this.#beganMs = options.env.clock.monotonic();
  }

  status(): ProcessStatus {
    const { env, settings, stack } = this.#options;
    const { consistency, coordinator, replica, storage } = stack;
    return admin.StatusResponse.create({
      kind: admin.ProcessKind.PROCESS_KIND_SERVER,
      version,
      pid: process.pid,
      uptimeMs: Math.round(env.clock.monotonic() - this.#beganMs),
      log: consistency === 'replicated' ? 'etcd' : this.#logOfFiles(),
      storage: settings.storage,
      dataBytes: Math.round(storage.usedBytes),
      clients: coordinator.sessionCount,
      refusal: coordinator.refusal ?? '',
      replicas: replica === null ? [] : [replicaStatusOf(replica, 0)],
    });
  }

  async setConsistency(consistency: Consistency, endpoints: readonly string[]): Promise<number> {
    const { etcd, stack } = this.#options;
    // Before etcd is opened: that would close the client that a change under way goes through.
    if (this.#isSwitching) throw new KvError('INVALID', 'the consistency is being changed already');
    if (consistency === stack.consistency) return 0;
    this.#isSwitching = true;
    try {
      if (consistency === 'local') return await stack.setConsistency('local');
      return await stack.setConsistency('replicated', await etcd.open(endpoints));
    } finally {
      this.#isSwitching = false;
    }
  }

  /** For a backup: everything, as of one moment. */
  async *snapshot(shard: string): AsyncGenerator<Uint8Array> {
    const { persistence } = this.#options.stack;
    checkWhole(shard);
    if (persistence === null) throw new KvError('INVALID', 'a server without a directory has no backups');
    yield* encodeSnapshot(await persistence.backup());
  }

  /** For a restore to a version: what was written behind a backup. */
  async *history(shard: string, after: number, version: number): AsyncGenerator<Uint8Array> {
    checkWhole(shard);
    const { history, persistence } = this.#options.stack;
    await persistence?.committer.drained();
    const reached = Math.min(version, history.newest);
    const batches = historyBatches(history, after, version);
    yield* encodeSnapshot({ from: 0, batches, to: () => 0, version: () => reached });
  }

  #logOfFiles(): string {
    const { persistence } = this.#options.stack;
    const log = persistence?.log ?? null;
    return log === null ? 'none' : `file ${log.fsync}`;
  }
}

function checkWhole(shard: string): void {
  if (shard !== '') throw new KvError('INVALID', `this is a whole server: it has no shard ${shard}`);
}
