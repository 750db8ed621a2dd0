/** What a request names, and what its session's state lets through. */
import { type Request, utf8Of } from '@holdfast/common';
import type { Command, Registry, Session } from '@holdfast/engine';

/** Said of a write when `min-replicas-to-write` asks for more copies than there are. */
export const noReplicas = 'NOREPLICAS Not enough good replicas to write.';

/** Said to a client that must authenticate first. */
export const notAuthenticated = 'NOAUTH Authentication required.';

/** Longest part of a client's own words that an error repeats, in bytes, as Redis has it. */
const quotedMax = 128;

/**
 * The command that a request names, its subcommand included; null when there is none. `last` is the one that
 * the session ran before: most often it is the same again, found without a look at the registry.
 */
export function commandOf(registry: Registry, request: Request, last: Command | null): Command | null {
  if (last?.standsAlone && request.count > 0 && request.is(0, last.name)) return last;
  return registry.resolve(request);
}

/** What to say of a request that names no command. */
export function unknownCommand(registry: Registry, request: Request): string {
  const container = registry.find(request);
  if (container !== null) {
    if (request.count < 2) return wrongArity(container);
    return `ERR unknown subcommand '${request.quoted(1, quotedMax)}'. Try ${container.name} HELP.`;
  }
  let args = '';
  let argsBytes = 0;
  for (let i = 1; i < request.count && argsBytes < quotedMax; i++) {
    const arg = `'${request.quoted(i, quotedMax - argsBytes)}' `;
    args += arg;
    argsBytes += utf8Of(arg).length;
  }
  return `ERR unknown command '${request.quoted(0, quotedMax)}', with args beginning with: ${args}`;
}

export function wrongArity({ fullName }: Command): string {
  return `ERR wrong number of arguments for '${fullName}' command`;
}

/** Only some commands make sense for a RESP2 client that listens: everything it is sent is a message. */
export function isAllowedWhileSubscribed({ argsStart, name }: Command): boolean {
  if (argsStart !== 1) return false;
  return name === 'PING' || name === 'QUIT' || name === 'RESET' || name.endsWith('SUBSCRIBE');
}

/** Whether a client that is shown every command is refused this one: it would be shown it, too. */
export function touchesKeyspace({ isReadonly, isWrite, mayReplicate }: Command): boolean {
  return isWrite || isReadonly || mayReplicate;
}

const neverQueued: ReadonlySet<string> = new Set(['EXEC', 'DISCARD', 'MULTI', 'WATCH', 'QUIT', 'RESET']);

/** Whether MULTI queues a command instead of running it. */
export function isQueueable({ argsStart, name }: Command): boolean {
  return argsStart !== 1 || !neverQueued.has(name);
}

/** Whether the command, or one that EXEC is about to run, writes. */
export function isWriting(session: Session, command: Command): boolean {
  if (command.isWrite) return true;
  return command.name === 'EXEC' && session.transaction !== null && session.transaction.isWrite;
}

/** As `isWriting`, or whether there may be effects all the same: of what is published, or of a script. */
export function mayWrite(session: Session, command: Command): boolean {
  if (command.mayReplicate || isWriting(session, command)) return true;
  return command.name === 'EXEC' && session.transaction !== null && session.transaction.mayReplicate;
}

/** Whether the command, and those that EXEC is about to run, make sense over data that may be old. */
export function isFreshEnough({ transaction }: Session, { flags, name }: Command): boolean {
  if (!flags.has('stale')) return false;
  return (
    name !== 'EXEC' ||
    transaction === null ||
    transaction.queue.every((each) => each.command.flags.has('stale'))
  );
}
