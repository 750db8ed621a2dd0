/** The parameters that say how large a packed collection may get, and their way to the storage. */
import { type EncodingLimits, encodingLimits } from '@holdfast/storage';
import type { Config, Parameter } from './config.js';

const whole = { type: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER } as const;

/** Name, initial value, the name it had before Redis 7 (if another), and the limit that it sets. */
const declarations: readonly (readonly [string, string, string | null, keyof EncodingLimits])[] = [
  ['hash-max-listpack-entries', '512', 'hash-max-ziplist-entries', 'hashListpackEntries'],
  ['hash-max-listpack-value', '64', 'hash-max-ziplist-value', 'hashListpackValue'],
  ['set-max-intset-entries', '512', null, 'setIntsetEntries'],
  ['set-max-listpack-entries', '128', null, 'setListpackEntries'],
  ['set-max-listpack-value', '64', null, 'setListpackValue'],
  ['zset-max-listpack-entries', '128', 'zset-max-ziplist-entries', 'zsetListpackEntries'],
  ['zset-max-listpack-value', '64', 'zset-max-ziplist-value', 'zsetListpackValue'],
  ['list-max-listpack-size', '-2', 'list-max-ziplist-size', 'listListpackSize'],
];

export const encodingParameters: readonly Parameter[] = declarations.flatMap(([name, initial, alias]) => {
  const kind = name === 'list-max-listpack-size' ? { ...whole, min: -2147483648, max: 2147483647 } : whole;
  const parameter: Parameter = { name, kind, initial };
  return alias === null ? [parameter] : [parameter, { name: alias, kind, initial, aliasOf: name }];
});

/** Keeps the storage's limits as the configuration says. */
export function followEncodingParameters(config: Config): void {
  for (const [name, , , limit] of declarations) {
    config.onChange(name, () => {
      encodingLimits[limit] = config.number(name);
    });
  }
}
