/**
 * Where a node is reached, as the register of nodes has it. Written down as JSON:
 *
 *     {"node":"n1","addresses":{"redis":"10.0.0.1:6379","node":"10.0.0.1:7379"},"http":"10.0.0.1:8379"}
 */
import { KvError, type NodeAddresses } from '@holdfast/common';

export interface NodeRecord {
  readonly node: string;
  readonly addresses: NodeAddresses;
  /** Metrics and health; empty, or not there, where they are not served. */
  readonly http?: string;
}

export function encodeNodeRecord({ node, addresses, http = '' }: NodeRecord): string {
  return JSON.stringify({ node, addresses, http });
}

/** Throws KvError INVALID for what `encodeNodeRecord` did not write. */
export function decodeNodeRecord(text: string): NodeRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new KvError('INVALID', 'the record of a node is not JSON', { cause });
  }
  const { node, addresses, http = '' } = (value ?? {}) as Record<string, unknown>;
  const { redis, node: address } = (addresses ?? {}) as Record<string, unknown>;
  if (![node, redis, address, http].every((each) => typeof each === 'string')) {
    throw new KvError('INVALID', 'the record of a node must be {"node", "addresses": {"redis", "node"}}');
  }
  return {
    node: node as string,
    addresses: { redis: redis as string, node: address as string },
    http: http as string,
  };
}
