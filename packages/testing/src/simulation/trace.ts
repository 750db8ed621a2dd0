/**
 * What happened in a simulation, as text: one line for each event that is worth one. Off unless asked for, because
 * the same seed gives the same trace whenever it is wanted.
 *
 *          12.345678 a         > b append {"position":4}
 */
export class Trace {
  readonly isOn: boolean;
  readonly #nowMs: () => number;
  readonly #lines: string[] = [];
  readonly #times: number[] = [];

  constructor(isOn: boolean, nowMs: () => number) {
    this.isOn = isOn;
    this.#nowMs = nowMs;
  }

  /** Lines up to a moment. */
  countUntil(ms: number): number {
    const at = this.#times.findIndex((time) => time > ms);
    return at === -1 ? this.#times.length : at;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  add(subject: string, text: string): void {
    if (!this.isOn) return;
    this.#times.push(this.#nowMs());
    this.#lines.push(`${this.#nowMs().toFixed(6).padStart(16)} ${subject.padEnd(9)} ${text}`);
  }
}

const payloadMax = 160;

/** A message for the trace. */
export function payload(message: unknown): string {
  const text = JSON.stringify(message, (_name, value) =>
    value instanceof Uint8Array ? `${value.length} bytes` : typeof value === 'bigint' ? `${value}n` : value,
  );
  if (text === undefined) return '';
  return text.length <= payloadMax ? text : `${text.slice(0, payloadMax)}...`;
}
