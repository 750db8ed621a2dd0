/** What the command says: tables for people, one JSON value for programs. Errors go to the other stream. */
import Table from 'cli-table3';

export interface Streams {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

type Cell = string | number;

/** No borders: columns that line up, as `kubectl` has them. */
const plain = {
  chars: Object.fromEntries(
    [
      ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
      ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
    ].map((name) => [name, '']),
  ),
  style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
};

export function tableOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    ...plain,
    chars: { ...plain.chars, middle: '   ' },
    colAligns: head.map((_, i) => (isNumeric(rows, i) ? 'right' : 'left')),
  });
  for (const row of [head, ...rows]) table.push(row.map(String));
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  return rows.length > 0 && rows.every((row) => typeof row[column] === 'number');
}

export class Output {
  readonly #streams: Streams;
  readonly #isJson: boolean;

  constructor(streams: Streams, isJson: boolean) {
    this.#streams = streams;
    this.#isJson = isJson;
  }

  /** `value` for programs, the table for people. */
  table(value: unknown, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
    this.result(value, rows.length === 0 ? 'none\n' : tableOf(head, rows));
  }

  /** The one result of a command. */
  result(value: unknown, text: string): void {
    this.#streams.out(this.#isJson ? `${JSON.stringify(value, null, 2)}\n` : text);
  }

  /** What is being done, for people who wait. */
  progress(text: string): void {
    this.#streams.error(`${text}\n`);
  }
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d${Math.floor((seconds % 86_400) / 3600)}h`;
}
