/** Numbers as parameters have them: exact, and amounts of memory with their units. */

export const int64Max: bigint = 2n ** 63n - 1n;
export const uint64Max: bigint = 2n ** 64n - 1n;

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

/**
 * As `parseMemory`, exact: of 64 bits without a sign, as Redis counts. What is no number of so many bits is the greatest one, a unit
 * takes it beyond and back to 0, and no digit at all is 0.
 */
export function parseAmount(value: string): bigint | null {
  const match = /^(\d{0,127})([a-z]{0,2})$/i.exec(value);
  if (match === null) return null;
  const unit = memoryUnits[match[2].toLowerCase()];
  if (unit === undefined) return null;
  const n = BigInt(match[1]);
  return BigInt.asUintN(64, (n > uint64Max ? uint64Max : n) * unit);
}
