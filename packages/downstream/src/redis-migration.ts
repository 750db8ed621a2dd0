/**
 * Sends keys to other servers of Redis, as RESTORE takes them (MIGRATE). Connections are kept for ten seconds, for those who
 * move key by key; one that turns out to be closed is made anew, once.
 */
import { connect, type Socket } from 'node:net';
import { type Env, hostBytesMax } from '@holdfast/common';
import type { MigratedKey, Migration, MigrationTarget } from '@holdfast/engine';

const keptMs = 10_000;
const connectionsMax = 64;
const lineBytesMax = 64 * 1024;

const cannotConnect = 'IOERR error or timeout connecting to the client';
const cannotWrite = 'IOERR error or timeout writing to target instance';
const cannotRead = 'IOERR error or timeout reading to target instance';

interface Link {
  readonly name: string;
  readonly socket: Socket;
  /** Somebody sends over it. */
  isBusy: boolean;
  /** The database that it is at; -1 for unknown. */
  database: number;
  usedMs: number;
}

export interface Outcome {
  readonly restored: readonly number[];
  readonly problem: string | null;
}

export class RedisMigration implements Migration {
  readonly #env: Env;
  readonly #links = new Set<Link>();

  constructor(env: Env) {
    this.#env = env;
  }

  get connections(): number {
    return this.#links.size;
  }

  async send(target: MigrationTarget, keys: readonly MigratedKey[]): Promise<Outcome> {
    const kept = this.#keptFor(target);
    if (kept !== null) {
      const outcome = await this.#sendOver(kept, target, keys);
      // A link that was kept may have been closed meanwhile: nothing was done, so it can be tried again.
      if (outcome !== null) return outcome;
    }
    const link = await this.#connect(target);
    if (typeof link === 'string') return { restored: [], problem: link };
    return (await this.#sendOver(link, target, keys)) ?? { restored: [], problem: cannotRead };
  }

  #keptFor({ host, port }: MigrationTarget): Link | null {
    for (const link of this.#links) if (link.name === `${host}:${port}` && !link.isBusy) return link;
    return null;
  }

  /** A link, or why there is none: where nobody listens Redis notices it as it writes, and says so. */
  async #connect({ host, port, timeoutMs }: MigrationTarget): Promise<Link | string> {
    if (host.length > hostBytesMax) return cannotConnect;
    const number = Number(port);
    if (!Number.isInteger(number) || number < 1 || number > 65535) return cannotWrite;
    const socket = connect({ host, port: number, noDelay: true });
    const problem = await new Promise<string | null>((resolve) => {
      socket.once('connect', () => resolve(null));
      socket.once('error', ({ code }: NodeJS.ErrnoException) => {
        resolve(code === 'ECONNREFUSED' ? cannotWrite : cannotConnect);
      });
      socket.setTimeout(timeoutMs, () => resolve(cannotConnect));
    });
    socket.on('error', () => {});
    if (problem !== null) {
      socket.destroy();
      return problem;
    }
    const link: Link = { name: `${host}:${port}`, socket, isBusy: false, database: -1, usedMs: 0 };
    socket.once('close', () => this.#links.delete(link));
    if (this.#links.size >= connectionsMax) for (const old of this.#links) if (!old.isBusy) this.#close(old);
    this.#links.add(link);
    return link;
  }

  /** Null when the link broke before anything was answered. */
  async #sendOver(
    link: Link,
    target: MigrationTarget,
    keys: readonly MigratedKey[],
  ): Promise<Outcome | null> {
    link.isBusy = true;
    const { socket } = link;
    const before: Buffer[] = [];
    if (target.password !== null)
      before.push(frame('AUTH', ...(target.user === null ? [] : [target.user]), target.password));
    if (link.database !== target.database) before.push(frame('SELECT', String(target.database)));
    const replace = target.replaces ? ['REPLACE'] : [];
    const lines = new Lines(socket, target.timeoutMs);
    for (const each of before) socket.write(each);
    for (const { name, payload, ttlMs } of keys) {
      socket.write(frame('RESTORE', name, String(ttlMs), payload, ...replace));
    }
    let refusal = '';
    let isRefused = false;
    let answered = 0;
    const restored: number[] = [];
    for (; answered < before.length + keys.length; answered++) {
      const line = await lines.next();
      if (line === null) break;
      if (!line.startsWith('-')) {
        if (answered >= before.length && !isRefused) restored.push(answered - before.length);
        continue;
      }
      // Where it is not let in, or not into that database, nothing is what it looks like.
      if (answered < before.length) isRefused = true;
      if (refusal === '') refusal = line.slice(1);
    }
    lines.end();
    const isWhole = answered === before.length + keys.length;
    if (isWhole && refusal === '') this.#keep(link, target.database);
    else this.#close(link);
    if (refusal !== '') return { restored, problem: `ERR Target instance replied with error: ${refusal}` };
    if (isWhole) return { restored, problem: null };
    if (answered === 0 && !lines.isTooLate) return null;
    return { restored, problem: cannotRead };
  }

  #keep(link: Link, database: number): void {
    const { clock, timers } = this.#env;
    link.isBusy = false;
    link.database = database;
    link.usedMs = clock.monotonic();
    link.socket.setTimeout(0);
    timers.setTimeout(() => {
      if (!link.isBusy && clock.monotonic() - link.usedMs >= keptMs) this.#close(link);
    }, keptMs);
  }

  #close(link: Link): void {
    this.#links.delete(link);
    link.socket.destroy();
  }
}

/** The lines that a server answers. */
class Lines {
  isTooLate = false;
  readonly #socket: Socket;
  #text = '';
  #isOver = false;
  #wake: (() => void) | null = null;
  readonly #onData = (bytes: Buffer): void => {
    this.#text += bytes.toString('latin1');
    if (this.#text.length > lineBytesMax && !this.#text.includes('\n')) this.#finish();
    this.#wake?.();
  };
  readonly #finish = (): void => {
    this.#isOver = true;
    this.#wake?.();
  };

  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#isOver = socket.destroyed;
    socket.on('data', this.#onData);
    socket.on('close', this.#finish);
    socket.removeAllListeners('timeout');
    socket.setTimeout(timeoutMs, () => {
      this.isTooLate = true;
      this.#finish();
    });
  }

  /** The next line; null when none comes any more. */
  async next(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end).trimEnd();
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      if (this.#isOver) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }

  end(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('close', this.#finish);
    this.#socket.removeAllListeners('timeout');
  }
}

function frame(...args: readonly (string | Buffer)[]): Buffer {
  const parts = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = Buffer.from(arg);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}
