/** What an operator can have a whole server do, and what it says of itself. */
import { readFileSync } from 'node:fs';
import { databasesMax, type Env, KvError } from '@holdfast/common';
import { encodeSnapshot, type LocalStack } from '@holdfast/coord';
import type { Administration, Consistency, ProcessStatus } from '@holdfast/protocol';
import { admin } from '@holdfast/rpc';
import type { ServerEtcd } from './server-etcd.js';
import type { Settings } from './settings.js';

export interface ServerAdministrationOptions {
  readonly settings: Settings;
  readonly env: Env;
  readonly stack: LocalStack;
  readonly etcd: ServerEtcd;
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const roles = {
  starting: admin.ReplicaRole.REPLICA_ROLE_STARTING,
  follower: admin.ReplicaRole.REPLICA_ROLE_FOLLOWER,
  leader: admin.ReplicaRole.REPLICA_ROLE_LEADER,
  closed: admin.ReplicaRole.REPLICA_ROLE_CLOSED,
} as const;

export class ServerAdministration implements Administration {
  readonly #options: ServerAdministrationOptions;
  readonly #beganMs: number;

  constructor(options: ServerAdministrationOptions) {
    this.#options = options;
    this.#beganMs = options.env.clock.monotonic();
  }

  status(): ProcessStatus {
    const { env, settings, stack } = this.#options;
    const { consistency, coordinator, storage } = stack;
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
      replicas: this.#replicas(),
    });
  }

  async setConsistency(consistency: Consistency, endpoints: readonly string[]): Promise<number> {
    const { etcd, stack } = this.#options;
    if (consistency === stack.consistency) return 0;
    if (consistency === 'local') return stack.setConsistency('local');
    return stack.setConsistency('replicated', await etcd.open(endpoints));
  }

  /** For a backup: everything, as of one moment. */
  async *snapshot(shard: string): AsyncGenerator<Uint8Array> {
    const { persistence } = this.#options.stack;
    if (shard !== '') throw new KvError('INVALID', `this is a whole server: it has no shard ${shard}`);
    if (persistence === null) throw new KvError('INVALID', 'a server without a directory has no backups');
    yield* encodeSnapshot(await persistence.backup());
  }

  #logOfFiles(): string {
    const { persistence } = this.#options.stack;
    const log = persistence?.log ?? null;
    return log === null ? 'none' : `file ${log.fsync}`;
  }

  #replicas(): admin.ReplicaStatus[] {
    const { replica, storage } = this.#options.stack;
    if (replica === null) return [];
    let keys = 0;
    for (let index = 0; index < databasesMax; index++) keys += storage.keyCount(index);
    const { leader, position, role, shard } = replica;
    return [
      admin.ReplicaStatus.create({
        shard,
        role: roles[role],
        epoch: leader?.epoch ?? 0,
        leader: leader?.node ?? '',
        position,
        dataBytes: Math.round(storage.usedBytes),
        keys,
      }),
    ];
  }
}
