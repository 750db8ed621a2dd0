/**
 * What a thread that fuzzes is doing, in memory it shares with the thread that watches: one that hangs can't say.
 *
 *     0  beats      counted up with every note
 *     4  length     of the text, in bytes
 *     8  text       the note: what is about to run
 */
const noteBytesMax = 4096;
const textAt = 8;

export class FuzzProgress {
  readonly memory: SharedArrayBuffer;
  readonly #header: Int32Array;
  readonly #text: Buffer;

  constructor(memory = new SharedArrayBuffer(textAt + noteBytesMax)) {
    this.memory = memory;
    this.#header = new Int32Array(memory, 0, 2);
    this.#text = Buffer.from(memory, textAt);
  }

  note(text: string): void {
    Atomics.store(this.#header, 1, this.#text.write(text, 'latin1'));
    Atomics.add(this.#header, 0, 1);
  }

  get beats(): number {
    return Atomics.load(this.#header, 0);
  }

  get lastNote(): string {
    return this.#text.toString('latin1', 0, Atomics.load(this.#header, 1));
  }
}

export interface FuzzLimits {
  /** Without a new note for so long, the thread hangs. */
  readonly silenceMsMax: number;
  readonly residentBytesMax: number;
}

/** Calls `fail` once, with the reason, when the thread hangs or memory grows. Returns what ends the watch. */
export function watchProgress(
  progress: FuzzProgress,
  { silenceMsMax, residentBytesMax }: FuzzLimits,
  fail: (reason: string) => void,
): () => void {
  let beats = -1;
  let sinceMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (progress.beats !== beats) {
      beats = progress.beats;
      sinceMs = nowMs;
    }
    const resident = process.memoryUsage.rss();
    if (nowMs - sinceMs > silenceMsMax) end(`hangs for ${silenceMsMax} ms at: ${progress.lastNote}`);
    else if (resident > residentBytesMax) end(`uses ${resident} bytes of memory at: ${progress.lastNote}`);
  }, 250);
  const end = (reason: string): void => {
    clearInterval(timer);
    fail(reason);
  };
  return () => clearInterval(timer);
}
