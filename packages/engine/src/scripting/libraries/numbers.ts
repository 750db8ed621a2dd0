/** Numbers as C writes and reads them. */

/** As `%.Ng` of printf: `precision` significant digits, without trailing zeros. */
export function formatGeneral(value: number, precision: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  // Most numbers are small integers.
  if (Number.isInteger(value) && Math.abs(value) < 10 ** Math.min(precision, 15)) return String(value);
  const sign = value < 0 ? '-' : '';
  const [mantissa, exponentText] = roundedExponential(Math.abs(value), precision - 1).split('e');
  const exponent = Number(exponentText);
  const digits = mantissa.replace('.', '');
  if (exponent < -4 || exponent >= precision) {
    const shown = trimZeros(`${digits[0]}.${digits.slice(1)}`);
    const power = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${shown}e${exponent < 0 ? '-' : '+'}${power}`;
  }
  if (exponent < 0) return sign + trimZeros(`0.${'0'.repeat(-exponent - 1)}${digits}`);
  return sign + trimZeros(`${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** As toExponential, but a number exactly between two is rounded to the even one, as C does. */
function roundedExponential(value: number, decimals: number): string {
  const rounded = value.toExponential(decimals);
  const exact = value.toExponential(Math.min(100, decimals + 40));
  const [mantissa, exponent] = exact.split('e');
  const rest = mantissa.replace('.', '').slice(decimals + 1);
  if (!/^50*$/.test(rest)) return rounded;
  const kept = mantissa.replace('.', '').slice(0, decimals + 1);
  if (Number(kept.at(-1)) % 2 !== 0) return rounded;
  return `${kept[0]}${kept.length > 1 ? '.' : ''}${kept.slice(1)}e${exponent}`;
}

const decimalPattern = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?/i;
const hexPattern = /^([+-]?)0x(?=[\da-f]|\.[\da-f])([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?/i;
const specialPattern = /^([+-]?)(infinity|inf|nan(\(\w*\))?)/i;

/** What `strtod` reads from the start of a text: the number, and how many characters it takes, 0 for none. */
export function parsePrefix(text: string): { value: number; length: number } {
  const hex = hexPattern.exec(text);
  if (hex !== null) return { value: hexValue(hex), length: hex[0].length };
  const decimal = decimalPattern.exec(text);
  if (decimal !== null) return { value: Number(decimal[0]), length: decimal[0].length };
  const special = specialPattern.exec(text);
  if (special === null) return { value: 0, length: 0 };
  const magnitude = special[2][0].toLowerCase() === 'i' ? Number.POSITIVE_INFINITY : Number.NaN;
  return { value: special[1] === '-' ? -magnitude : magnitude, length: special[0].length };
}

function hexValue([, sign, whole, fraction = '', power = '0']: RegExpExecArray): number {
  const digits = whole + fraction;
  const value = Number(BigInt(`0x${digits}`)) * 2 ** (Number(power) - 4 * fraction.length);
  return sign === '-' ? -value : value;
}

/** A double as a 64-bit integer in C, where that is left open as x86 does it: the least one. */
export function toInt64(value: number): bigint {
  return value >= -(2 ** 63) && value < 2 ** 63 ? BigInt(Math.trunc(value)) : -(2n ** 63n);
}
