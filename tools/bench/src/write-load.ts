/**
 * Writes that never stop, at a fixed rate, of all types and of sizes that change: small values for a while, then larger
 * ones, then all at once, so that what was freed is seldom of the size that is needed next.
 */
import { connect } from 'node:net';

export interface WriteLoad {
  readonly port: number;
  readonly seconds: number;
  readonly writesPerSecond: number;
  /** Of each type. */
  readonly keys: number;
  /** Value sizes, the least and the most, each for its share of the time. */
  readonly valueBytes: readonly (readonly [min: number, max: number])[];
}

const tickMs = 10;
/** So many without a reply, and it waits: a server that is slower than the rate gets as much as it can do. */
const pendingMax = 10_000;

const lineFeed = 10;
const minus = 45;

/** How many were written. Rejects when one is refused. */
export function runWrites(load: WriteLoad): Promise<number> {
  const writes = new RandomWrites(load.keys);
  const totalMs = load.seconds * 1000;
  return new Promise((resolve, reject) => {
    const socket = connect(load.port, '127.0.0.1');
    const startMs = performance.now();
    let sent = 0;
    let answered = 0;
    const tick = (): void => {
      const elapsedMs = Math.min(performance.now() - startMs, totalMs - 1);
      const phase = Math.floor((elapsedMs / totalMs) * load.valueBytes.length);
      const due = Math.floor((elapsedMs / 1000) * load.writesPerSecond);
      const count = Math.min(due - sent, pendingMax - (sent - answered));
      if (count > 0) socket.write(writes.next(count, load.valueBytes[phase]));
      sent += Math.max(0, count);
    };
    const timer = setInterval(tick, tickMs);
    const end = (result: () => void): void => {
      clearInterval(timer);
      socket.destroy();
      result();
    };
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('close', () => end(() => reject(new Error('the connection was closed'))));
    socket.on('data', (chunk: Buffer) => {
      // Replies are of one line each: `+OK`, a number, or an error.
      if (chunk.includes(minus)) return end(() => reject(new Error(chunk.toString('latin1', 0, 100))));
      for (const byte of chunk) if (byte === lineFeed) answered++;
      if (performance.now() - startMs >= totalMs && answered >= sent) end(() => resolve(answered));
    });
  });
}

/** Commands as the wire has them; always the same ones. */
class RandomWrites {
  readonly #keys: number;
  readonly #value = 'v'.repeat(1 << 16);
  #state = 1;

  constructor(keys: number) {
    this.#keys = keys;
  }

  next(count: number, [min, max]: readonly [number, number]): string {
    let text = '';
    for (let i = 0; i < count; i++) {
      const key = String(Math.floor(this.#draw() * this.#keys)).padStart(12, '0');
      // As many of 20 to 40 bytes as of 200 to 400.
      const value = this.#value.slice(0, Math.round(min * (max / min) ** this.#draw()));
      text += encoded(this.#command(key, value));
    }
    return text;
  }

  /** Seven in ten are strings; what collections hold is small in number, as there are many keys. */
  #command(key: string, value: string): readonly string[] {
    const dice = Math.floor(this.#draw() * 10);
    const element = String(Math.floor(this.#draw() * 20));
    if (dice === 0) return ['HSET', `hash:${key}`, element, value];
    if (dice === 1) return ['RPUSH', `list:${key}`, value];
    if (dice === 2) return ['ZADD', `zset:${key}`, element, `${element}${value}`];
    return ['SET', `key:${key}`, value];
  }

  /** From 0 up to 1: a linear congruential generator, with the constants of Numerical Recipes. */
  #draw(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 0x100000000;
  }
}

/** A command as the wire has it. */
export function encoded(words: readonly string[]): string {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${word.length}\r\n${word}\r\n`;
  return text;
}
