/** Limits that both ends of a channel must agree on. */

/** Longest message, in bytes. A value that does not fit, with its key, can't pass. */
export const messageBytesMax: number = 64 * 1024 * 1024;

/**
 * How much may be on its way to a client unread, in bytes: HTTP/2's own default is 64 KiB. grpc-js has no such
 * option for servers: on a long way, 64 KiB a round trip is all that one client can send.
 */
export const flowWindowBytes: number = 1024 * 1024;
