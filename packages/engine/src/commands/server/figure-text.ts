/** How INFO writes figures for people. */

const units = ['K', 'M', 'G', 'T'];

/** `1.50M`, as Redis abbreviates bytes. */
export function human(bytes: number): string {
  let amount = bytes;
  let unit = 'B';
  for (const each of units) {
    if (amount < 1024) break;
    amount /= 1024;
    unit = each;
  }
  return unit === 'B' ? `${bytes}B` : `${amount.toFixed(2)}${unit}`;
}

/** `75.00%`; all of nothing. */
export function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 100 : (part / whole) * 100).toFixed(2)}%`;
}
