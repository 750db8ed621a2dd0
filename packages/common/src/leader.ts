/** Who leads a shard: what a replica that does not lead says to those who ask it. */

/** Where others reach a node: `host:port`, empty where it does not serve that. */
export interface NodeAddresses {
  /** Redis clients. */
  readonly redis: string;
  /** Gateways and other nodes. */
  readonly node: string;
}

/** Who leads, as far as is known. */
export interface LeaderHint {
  readonly node: string;
  readonly epoch: number;
  readonly addresses: NodeAddresses;
}
