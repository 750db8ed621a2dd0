/** Options of channels and servers, and one channel with its stub. */
import type { ChannelOptions, ClientOptions } from '@grpc/grpc-js';
import { flowWindowBytes, messageBytesMax } from './limits.js';

/** How long a channel waits before it connects again: first, and at most, in ms. */
const reconnectMs = { first: 50, max: 2000 };

/** A connection without a sign of life for this long is tried with a ping, in ms. */
const keepAlive = { afterMs: 30_000, timeoutMs: 10_000 };

const sharedOptions: ChannelOptions = {
  'grpc.max_receive_message_length': messageBytesMax,
  'grpc.max_send_message_length': messageBytesMax,
};

/** For a client. No transparent retries: whoever calls knows what may be sent twice. */
export function channelOptions(): ClientOptions {
  return {
    ...sharedOptions,
    'grpc-node.flow_control_window': flowWindowBytes,
    'grpc.initial_reconnect_backoff_ms': reconnectMs.first,
    'grpc.min_reconnect_backoff_ms': reconnectMs.first,
    'grpc.max_reconnect_backoff_ms': reconnectMs.max,
    'grpc.keepalive_time_ms': keepAlive.afterMs,
    'grpc.keepalive_timeout_ms': keepAlive.timeoutMs,
    'grpc.enable_retries': 0,
    // A channel's connections are its own: closing one client ends no other.
    'grpc.use_local_subchannel_pool': 1,
  };
}

/** For a server: `streamsMax` calls at a time on one connection. */
export function serverOptions(streamsMax: number): ChannelOptions {
  return {
    ...sharedOptions,
    'grpc.max_concurrent_streams': streamsMax,
    'grpc.keepalive_time_ms': keepAlive.afterMs,
    'grpc.keepalive_timeout_ms': keepAlive.timeoutMs,
  };
}
