/** Figures as a table for people. */

export interface Row {
  readonly what: string;
  readonly redis: readonly number[];
  readonly ours: readonly number[];
  readonly unit: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median of the ratios of each pair: what ours is in terms of Redis'. */
export function ratioOf({ redis, ours }: Row): number {
  return median(ours.map((value, i) => value / redis[i]));
}

export function formatRow(row: Row): string {
  const ratios = row.ours.map((value, i) => value / row.redis[i]);
  const cells = [
    row.what.padEnd(44),
    format(median(row.redis)).padStart(12),
    format(median(row.ours)).padStart(12),
    row.unit.padEnd(8),
    ratioOf(row).toFixed(2).padStart(6),
    `(${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`,
  ];
  return cells.join('  ');
}

/** A figure that is compared with nothing but what it may be. */
export function formatFigure(what: string, value: number, unit: string, promise: string): string {
  return [what.padEnd(44), ''.padStart(12), format(value).padStart(12), unit.padEnd(8), promise]
    .join('  ')
    .trimEnd();
}

export const header: string = `${'load'.padEnd(44)}  ${'redis'.padStart(12)}  ${'ours'.padStart(12)}  ${'unit'.padEnd(8)}   ratio  (range)`;

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(3);
}
