/**
 * MONITOR: sends every command that runs to those who asked for it, as a line of
 *
 *     1339518083.107412 [0 127.0.0.1:60866] "set" "key" "value"
 */
import { type Env, quotedWord, type Request } from '@holdfast/common';
import type { Command, Session } from '@holdfast/engine';

export class Monitors {
  readonly #env: Env;
  readonly #sessions = new Set<Session>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Number of monitoring sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  add(session: Session): void {
    session.isMonitor = true;
    this.#sessions.add(session);
  }

  remove(session: Session): void {
    session.isMonitor = false;
    this.#sessions.delete(session);
  }

  /** A client's command ran. Administrative ones are not shown, and those that show themselves. */
  observe(session: Session, command: Command, request: Request): void {
    if (command.flags.has('skip_monitor') || command.flags.has('admin')) return;
    this.show(session, command, request, false);
  }

  /** A client's command is run by another server, with what shows itself where it is run. */
  observePassedOn(session: Session, command: Command, request: Request): void {
    if (!command.flags.has('admin')) this.show(session, command, request, false);
  }

  /** Shows a command, secrets left out: of a client, or of its script. */
  show(session: Session, command: Command, request: Request, isOfScript: boolean): void {
    const nowMs = this.#env.clock.now();
    const seconds = Math.floor(nowMs / 1000);
    const micros = `${(nowMs % 1000) * 1000}`.padStart(6, '0');
    const address = isOfScript ? 'lua' : addressOf(session);
    let line = `${seconds}.${micros} [${session.database} ${address}]`;
    for (let i = 0; i < request.count; i++) {
      if (line.length > lineLengthMax) {
        line += ` ... (${request.count - i} more arguments)`;
        break;
      }
      line += command.isSecret(request, i) ? ' "(redacted)"' : ` ${quoted(request, i)}`;
    }
    for (const monitor of this.#sessions) {
      if (!hears(monitor, session)) continue;
      monitor.sink.reply.simple(line);
      monitor.sink.wake();
    }
  }
}

/** As in Redis, lines are replies to CLIENT REPLY: to SKIP the next is the command behind it, not the one that says so. */
function hears(monitor: Session, speaker: Session): boolean {
  const { replyMode } = monitor;
  return replyMode === 'on' || (replyMode === 'skip-next' && monitor === speaker);
}

/** Both ends of a unix socket have its path. */
function addressOf({ address, localAddress }: Session): string {
  return address !== '' && address === localAddress ? `unix:${address.slice(0, -2)}` : address;
}

/**
 * What is shown of a command is bounded, unlike in Redis: a line that escapes each byte of a large value is four times as
 * long, is made for every command, and waits for every monitor. Bytes of an argument, and characters of a line.
 */
const argumentBytesMax = 64 * 1024;
const lineLengthMax = 1024 * 1024;

/** An argument in quotes, in printable ASCII; how much more there is of a long one. */
function quoted(request: Request, i: number): string {
  const more = request.length(i) - argumentBytesMax;
  if (more <= 0) return quotedWord(request.byteString(i));
  const head = Buffer.from(request.view(i).subarray(0, argumentBytesMax));
  return `${quotedWord(head.toString('latin1'))}... (${more} more bytes)`;
}
