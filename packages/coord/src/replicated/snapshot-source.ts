/** Snapshots from one node to another: for a replica that needs more than the log still has. */
import { KvError } from '@holdfast/common';
import type { Position } from '@holdfast/log';
import { decodeSnapshot } from './snapshot-frames.js';

/** A snapshot on its way. */
export interface SnapshotStream {
  /** It holds at least everything up to here. */
  readonly from: Position;
  /** Batches of mutations, in order. Throws KvError CORRUPT when one is damaged, or the end is missing. */
  readonly batches: AsyncIterable<Uint8Array>;
  /** And nothing beyond this position. Known once all batches were read. */
  readonly to: () => Position;
  /** The version that all of it is as of, if that is known by then. */
  readonly version?: () => number | undefined;
  /** Ends one whose batches nobody will read; reading them ends it otherwise. Left out where there is nothing to end. */
  readonly close?: () => Promise<void>;
}

export interface SnapshotSource {
  /**
   * A snapshot of a shard that another node has, and that reaches further than `after`. Throws KvError UNAVAILABLE
   * when nobody has one, or nobody can be asked.
   */
  fetch(shard: string, after: Position): Promise<SnapshotStream>;
}

/** Of shards without other nodes. */
export const noSnapshots: SnapshotSource = {
  fetch: async (shard) => {
    throw noSnapshotOf(shard, 'there is no other node to ask');
  },
};

/** The other nodes of a shard, and how a snapshot is asked of one: `encodeSnapshot` at the far end. */
export interface SnapshotPeers {
  /** Those that may have one, the likeliest first. */
  nodesOf(shard: string): readonly string[];
  /** Frames, in order, cut anyhow. What the way itself notices is thrown as KvError UNAVAILABLE. */
  open(node: string, shard: string): AsyncIterable<Uint8Array>;
}

/** Asks one node after the other. */
export class PeerSnapshots implements SnapshotSource {
  readonly #peers: SnapshotPeers;

  constructor(peers: SnapshotPeers) {
    this.#peers = peers;
  }

  async fetch(shard: string, after: Position): Promise<SnapshotStream> {
    let reason = 'there is no other node to ask';
    for (const node of this.#peers.nodesOf(shard)) {
      try {
        const stream = await decodeSnapshot(this.#peers.open(node, shard));
        if (stream.from > after) return stream;
        await stream.close?.();
        reason = `${node} is at position ${stream.from}`;
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        reason = `${node}: ${error.message}`;
      }
    }
    throw noSnapshotOf(shard, reason);
  }
}

function noSnapshotOf(shard: string, reason: string): KvError {
  return new KvError('UNAVAILABLE', `no snapshot of shard ${shard} can be had: ${reason}`);
}
