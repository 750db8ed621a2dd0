/** The slowest commands of late (SLOWLOG), newest first. Arguments are cut short, secrets left out. */
import type { Request } from '@holdfast/common';
import type { Command } from './command.js';
import { RecentEntries } from './recent-entries.js';
import type { Session } from './session.js';

const argumentsMax = 32;
const argumentBytesMax = 128;

export interface SlowCommand {
  readonly id: number;
  /** Seconds since 1970. */
  readonly seconds: number;
  readonly usec: number;
  /** Byte strings. */
  readonly args: readonly string[];
  readonly address: string;
  readonly clientName: string;
}

export class SlowLog extends RecentEntries<SlowCommand> {
  #nextId = 0;

  note(session: Session, command: Command, request: Request, usec: number, nowMs: number): void {
    this.add({
      id: this.#nextId++,
      seconds: Math.floor(nowMs / 1000),
      usec: Math.floor(usec),
      args: shortArguments(command, request),
      address: session.address,
      clientName: session.name,
    });
  }
}

function shortArguments(command: Command, request: Request): string[] {
  const isCut = request.count > argumentsMax;
  const shown = isCut ? argumentsMax - 1 : request.count;
  const args: string[] = [];
  for (let i = 0; i < shown; i++) args.push(shortArgument(command, request, i));
  if (isCut) args.push(`... (${request.count - shown} more arguments)`);
  return args;
}

function shortArgument(command: Command, request: Request, i: number): string {
  if (command.isSecret(request, i)) return '(redacted)';
  const length = request.length(i);
  if (length <= argumentBytesMax) return request.byteString(i);
  const head = request.view(i).subarray(0, argumentBytesMax);
  return `${Buffer.from(head).toString('latin1')}... (${length - argumentBytesMax} more bytes)`;
}
