/**
 * A sum as INCRBYFLOAT prints it: decimal, never with an exponent, without trailing zeros.
 *
 * Redis adds in 80-bit floats and prints 17 digits after the point; here the sum is a double, printed with
 * 15 significant digits if that is the same double, so that 3.0 + 1.1 is 4.1 in both.
 */
export function formatLongDouble(n: number): string {
  if (Number.isInteger(n)) return BigInt(n).toString();
  const rounded = Number(n.toPrecision(15));
  const shortest = Math.abs(rounded - n) <= Math.abs(n) * Number.EPSILON * 2 ? rounded : n;
  const text = String(shortest);
  if (!text.includes('e')) return text;
  return shortest.toFixed(Math.min(100, 17 - Number(text.split('e')[1]))).replace(/\.?0+$/, '');
}
