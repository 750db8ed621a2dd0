/** Numbers as parameters have them: exact, and amounts of memory with their units. */

export const int64Max: bigint = 2n ** 63n - 1n;

/** 64 bits of them; null when it is no integer. */
export function parseWhole(value: string): bigint | null {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(value)) return null;
  const n = BigInt(value);
  return n > int64Max || n < -int64Max - 1n ? null : n;
}

const memoryUnits: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};

/** `64mb`, `1g`, `1000`: bytes; null when it is no amount of memory. */
export function parseMemory(value: string): number | null {
  const bytes = parseAmount(value);
  return bytes === null ? null : Number(bytes);
}

/** As `parseMemory`, exact. */
export function parseAmount(value: string): bigint | null {
  const match = /^(\d{1,19})([a-z]{0,2})$/i.exec(value);
  if (match === null) return null;
  const unit = memoryUnits[match[2].toLowerCase()];
  return unit === undefined ? null : BigInt(match[1]) * unit;
}
