/**
 * Where a cluster's parts lie in etcd, below one prefix:
 *
 *     holdfast/map                     the shard map (`ShardMap`)
 *     holdfast/nodes/NODE              where a node is reached (`NodeRecord`)
 *     holdfast/claims/NODE             which process has a node's name now (`NodeClaim`)
 *     holdfast/logs/SHARD/chain        which segments a shard's log is made of
 *     holdfast/logs/SHARD/SEGMENT/     a segment (`EtcdLog`)
 *     holdfast/positions/SHARD/NODE    up to where a replica needs the log no more (`ShardRegister`); ~..., a backup (`LogHold`)
 *     holdfast/timestamps              the mark of the timestamp service
 *     holdfast/compaction              who compacted last
 */
export class EtcdLayout {
  readonly prefix: string;

  /** `prefix` ends in `/`. */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  get map(): string {
    return `${this.prefix}map`;
  }

  get nodes(): string {
    return `${this.prefix}nodes/`;
  }

  node(node: string): string {
    return `${this.nodes}${node}`;
  }

  claim(node: string): string {
    return `${this.prefix}claims/${node}`;
  }

  chain(shard: string): string {
    return `${this.prefix}logs/${shard}/chain`;
  }

  segment(shard: string, name: string): string {
    return `${this.prefix}logs/${shard}/${name}/`;
  }

  positions(shard: string): string {
    return `${this.prefix}positions/${shard}/`;
  }

  get compaction(): string {
    return `${this.prefix}compaction`;
  }
}
