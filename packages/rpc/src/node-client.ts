/** The way to a storage node: one channel, and streams of messages that pass as bytes. */
import {
  type ChannelCredentials,
  type ClientDuplexStream,
  credentials as channelCredentials,
} from '@grpc/grpc-js';
import { channelOptions } from './channel.js';
import { StorageNodeClient, StorageNodeService } from './gen/kv/v1/storage_node.js';
import { flowWindowBytes } from './limits.js';

/** A node that gives no sign of life for this long is given up, in ms: its shards are led elsewhere by then. */
const nodeKeepAlive = { afterMs: 2000, timeoutMs: 3000 };

export class NodeClient {
  readonly #client: StorageNodeClient;

  /** `credentials`: TLS; without it the connection is in the clear. */
  constructor(address: string, credentials: ChannelCredentials = channelCredentials.createInsecure()) {
    this.#client = new StorageNodeClient(address, credentials, {
      ...channelOptions(),
      'grpc-node.flow_control_window': flowWindowBytes * 4,
      'grpc.keepalive_time_ms': nodeKeepAlive.afterMs,
      'grpc.keepalive_timeout_ms': nodeKeepAlive.timeoutMs,
      'grpc.keepalive_permit_without_calls': 1,
    });
  }

  /** Calls `ready` once, with an error or when the node can be reached. */
  whenReachable(ready: (error?: Error) => void): void {
    this.#client.waitForReady(Number.POSITIVE_INFINITY, ready);
  }

  /** A stream of Forward. */
  open(): ClientDuplexStream<Buffer, Buffer> {
    const asIs = (bytes: Buffer): Buffer => bytes;
    return this.#client.makeBidiStreamRequest(StorageNodeService.forward.path, asIs, asIs);
  }

  close(): void {
    this.#client.close();
  }
}
