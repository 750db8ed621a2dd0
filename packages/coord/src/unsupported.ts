/** Commands whose effect is on a connection: callers without one (gRPC, the embedded library) are refused. */
import { Request } from '@holdfast/common';

const commands = new Set(
  `SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUNSUBSCRIBE MONITOR SYNC PSYNC REPLCONF
   MULTI EXEC DISCARD WATCH UNWATCH SELECT AUTH HELLO RESET QUIT ASKING READONLY READWRITE`.split(/\s+/),
);
const clientSubcommands = [
  'REPLY',
  'TRACKING',
  'CACHING',
  'SETNAME',
  'SETINFO',
  'NO-EVICT',
  'NO-TOUCH',
  'READMODE',
];
const nameLengthMax = 12;

/** Why the command is refused, as an error reply; null when it is not. */
export function unsupported(request: Request): string | null {
  const length = request.length(0);
  if (length > nameLengthMax) return null;
  const name = request.byteString(0).toUpperCase();
  if (commands.has(name)) {
    return `UNSUPPORTED ${name} acts on a connection, which this call does not have: ${insteadOf(name)}`;
  }
  if (name !== 'CLIENT' || request.count < 2) return null;
  const subcommand = clientSubcommands.find((each) => request.is(1, each));
  if (subcommand === undefined) return null;
  const instead = subcommand === 'READMODE' ? ': say `freshness` with the call' : '';
  return `UNSUPPORTED CLIENT ${subcommand} acts on a connection, which this call does not have${instead}`;
}

/** As `unsupported`, for separate arguments. */
export function unsupportedArguments(args: readonly Uint8Array[]): string | null {
  return unsupported(Request.of(...args.slice(0, 2).map((arg) => arg.subarray(0, nameLengthMax + 1))));
}

function insteadOf(name: string): string {
  if (name === 'SELECT') return 'say `database` with the call';
  if (name === 'AUTH') return 'say `authorization` with the call';
  if (name === 'HELLO') return 'say `protocol` with the call';
  if (/^(MULTI|EXEC|DISCARD|WATCH|UNWATCH)$/.test(name)) return 'send them as one transaction';
  return 'use a Redis client';
}
