/** One client as CLIENT LIST and CLIENT INFO describe it: a line of `field=value`. */
import { digitCount, type Request } from '@holdfast/common';
import { clientMemory } from '../../client-memory.js';
import type { Session } from '../../session.js';

/** `current` is the request that the session is running, if it is. */
export function clientLine(session: Session, nowMs: number, current: Request | null): string {
  const { sink } = session;
  const inputBytes = sink.inputBytes + (current === null ? 0 : wireBytes(current));
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', session.id],
    ['addr', session.address],
    ['laddr', session.localAddress],
    ['fd', -1],
    ['name', session.name],
    ['age', Math.floor((nowMs - session.createdMs) / 1000)],
    ['idle', Math.floor((nowMs - session.lastActiveMs) / 1000)],
    ['flags', flagsOf(session)],
    ['db', session.database],
    ['sub', session.channels.size],
    ['psub', session.patterns.size],
    ['ssub', session.shardChannels.size],
    ['multi', session.transaction?.queue.length ?? -1],
    ['qbuf', inputBytes],
    ['qbuf-free', sink.inputFreeBytes ?? 0],
    ['argv-mem', current === null ? 0 : argumentBytes(current)],
    ['multi-mem', session.transaction?.bytes ?? 0],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', sink.outputBytes],
    ['oll', 0],
    ['omem', sink.outputBytes],
    ['tot-mem', clientMemory(session) + inputBytes - sink.inputBytes],
    ['events', 'r'],
    ['cmd', session.lastCommand?.fullName ?? 'NULL'],
    ['user', session.user],
    ['redir', session.tracking?.redirect ?? -1],
    ['resp', session.dialect],
    ['lib-name', session.libraryName],
    ['lib-ver', session.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}

function argumentBytes(request: Request): number {
  let bytes = 0;
  for (let i = 0; i < request.count; i++) bytes += request.length(i);
  return bytes;
}

/** What a request takes on the wire. */
function wireBytes(request: Request): number {
  let bytes = argumentBytes(request) + 3 + digitCount(request.count);
  for (let i = 0; i < request.count; i++) bytes += 5 + digitCount(request.length(i));
  return bytes;
}

function flagsOf(session: Session): string {
  let flags = '';
  if (session.isReplica) flags += 'S';
  if (session.isMonitor) flags += 'O';
  if (session.isSubscriber) flags += 'P';
  if (session.transaction !== null) flags += 'x';
  if (session.isBlocked && !session.isOnItsWay) flags += 'b';
  if (session.tracking !== null) flags += 't';
  if (session.tracking?.isRedirectBroken) flags += 'R';
  if (session.tracking?.isBroadcast) flags += 'B';
  if (session.watchBroken) flags += 'd';
  if (session.closeAfterReply) flags += 'c';
  if (session.address.startsWith('unix')) flags += 'U';
  if (session.noEvict) flags += 'e';
  if (session.noTouch) flags += 'T';
  return flags === '' ? 'N' : flags;
}
