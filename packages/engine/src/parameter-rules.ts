/** Rules of parameters whose values are lists or otherwise their own, with Redis' words for what is wrong. */
import { parseAmount, parseWhole } from './amounts.js';
import { invalid } from './config.js';
import { formatEventClasses, parseEventClasses } from './keyspace-events.js';

const isWhole = (text: string): boolean => /^\d{1,15}$/.test(text);

/** Redis splits the values of such parameters at single spaces. */
function wordsOf(value: string): string[] {
  return value === '' ? [] : value.split(' ');
}

const clientClasses: Readonly<Record<string, string>> = {
  normal: 'normal',
  slave: 'slave',
  replica: 'slave',
  pubsub: 'pubsub',
};

/** `class hard soft seconds` for some classes; amounts may have units. Classes left out keep their limits. */
export function normalizeOutputLimits(value: string, current: string): string {
  const limits = new Map<string, string>();
  const known = wordsOf(current);
  for (let i = 0; i < known.length; i += 4) limits.set(known[i], known.slice(i + 1, i + 4).join(' '));
  const words = wordsOf(value);
  if (words.length % 4 !== 0) throw invalid('Wrong number of arguments in buffer limit configuration.');
  for (let i = 0; i < words.length; i += 4) {
    const name = clientClasses[words[i].toLowerCase()];
    if (name === undefined) throw invalid('Invalid client class specified in buffer limit configuration.');
    const hard = parseAmount(words[i + 1]);
    const soft = parseAmount(words[i + 2]);
    const seconds = words[i + 3];
    if (hard === null || soft === null || !isWhole(seconds)) {
      throw invalid('Error in hard, soft or soft_seconds setting in buffer limit configuration.');
    }
    limits.set(name, `${hard} ${soft} ${Number(seconds)}`);
  }
  return [...limits].map(([name, limit]) => `${name} ${limit}`).join(' ');
}

/** `seconds changes` pairs; the empty text for none. */
export function normalizeSavePoints(value: string): string {
  const words = wordsOf(value);
  const isRight = words.every((word, i) => isWhole(word) && (i % 2 === 1 || Number(word) >= 1));
  if (words.length % 2 !== 0 || !isRight) throw invalid('Invalid save parameters');
  return words.map(Number).join(' ');
}

/** A name in the directory that can't be that of a file of the server's own. */
export function normalizeFileName(value: string): string {
  if (value.includes('/')) throw invalid("dbfilename can't be a path, just a filename");
  if (!/^[^.].*\.[^.]/.test(value)) throw invalid('dbfilename must have an extension');
  return value;
}

export function normalizeEventClasses(value: string): string {
  return formatEventClasses(parseEventClasses(value));
}

/** Percentiles for INFO latencystats, each from 0 to 100. */
export function normalizePercentiles(value: string): string {
  const words = wordsOf(value);
  for (const word of words) {
    if (!/^\d+(\.\d+)?$/.test(word)) throw invalid('Invalid latency-tracking-info-percentiles parameters');
    if (Number(word) > 100) {
      throw invalid('latency-tracking-info-percentiles parameters should sit between [0.0,100.0]');
    }
  }
  return words.map((word) => String(Number(word))).join(' ');
}

/** Permissions of a file, in octal. */
export function normalizePermissions(value: string): string {
  if (!/^0*[0-7]{1,3}$/.test(value)) throw invalid("argument couldn't be parsed into an integer");
  return Number.parseInt(value, 8).toString(8);
}

/** Redis brings a frequency out of 1 to 500 back into it. */
export function normalizeFrequency(value: string): string {
  const whole = parseWhole(value);
  if (whole === null) throw invalid("argument couldn't be parsed into an integer");
  const hz = Number(whole);
  if (hz < 0 || hz > 2147483647) throw invalid('argument must be between 0 and 2147483647 inclusive');
  return String(Math.min(500, Math.max(1, hz)));
}

/** Bytes, or a percentage of `maxmemory`: Redis keeps that as a negative number, which amounts of 64 bits are as well. */
export function normalizeMemoryOrPercent(value: string): string {
  const amount = parseAmount(value);
  const percent = value.endsWith('%') ? parseWhole(value.slice(0, -1)) : null;
  const n =
    amount === null ? (percent === null || percent < 0n ? null : -percent) : BigInt.asIntN(64, amount);
  if (n === null) throw invalid('argument must be a memory or percent value');
  if (n < -100n) throw invalid('percentage argument must be less or equal to 100');
  return n < 0n ? `${-n}%` : String(n);
}

const shutdownWords = ['default', 'save', 'nosave', 'now', 'force'];

/** What a signal does: some of SHUTDOWN's words. */
export function normalizeShutdownWords(value: string): string {
  const words = wordsOf(value.toLowerCase());
  if (words.length === 0 || !words.every((word) => shutdownWords.includes(word))) {
    throw invalid(`argument(s) must be one of the following: ${shutdownWords.join(', ')}`);
  }
  if (words.includes('save') && words.includes('nosave')) {
    throw invalid("shutdown options SAVE and NOSAVE can't be used simultaneously");
  }
  const set = words.filter((word) => word !== 'default');
  return set.length === 0 ? 'default' : shutdownWords.filter((word) => set.includes(word)).join(' ');
}

export function normalizeOomScores(value: string): string {
  const words = wordsOf(value);
  if (words.length !== 3) throw invalid('wrong number of arguments');
  if (!words.every((word) => /^-?\d{1,4}$/.test(word) && Math.abs(Number(word)) <= 2000)) {
    throw invalid('Invalid oom-score-adj-values, elements must be between -2000 and 2000.');
  }
  return words.map(Number).join(' ');
}
