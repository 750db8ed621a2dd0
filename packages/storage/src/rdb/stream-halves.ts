/** The halves of a stream's ids, which are two words of 32 bits in memory, as numbers of 64 bits. */

export function wholeOf(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export function highOf(whole: bigint): number {
  return Number((whole >> 32n) & 0xffffffffn);
}

export function lowOf(whole: bigint): number {
  return Number(whole & 0xffffffffn);
}
