/**
 * Protected mode: while the default user needs no password, only clients of this machine are let in. So whoever widens
 * where the server listens has to say who may come, or that everybody may.
 */

import { KvError } from '@holdfast/common';

/** In Redis' words, which clients and operators look for. */
export const protectedModeError = new KvError(
  'DENIED',
  'Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: ' +
    "1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. " +
    "2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. " +
    "3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. " +
    '4) Set up an authentication password for the default user. ' +
    'NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.',
);

/**
 * Whether a client comes from another machine, by its `address:port` as its protocol names it. What is no address of the
 * network (a unix socket, a caller within the process) is here. IPv4 may come as a part of IPv6.
 */
export function isFromOutside(address: string): boolean {
  const host = address.slice(0, Math.max(0, address.lastIndexOf(':'))).replace(/^\[|\]$/g, '');
  if (!/^[\da-f]*[.:][\da-f.:]*(%\w+)?$/i.test(host)) return false;
  return !/^((::ffff:)?127\.|::1$)/i.test(host);
}
