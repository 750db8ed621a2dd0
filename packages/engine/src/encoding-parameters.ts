/** The parameters that say how large a packed collection or a node may get, and their way to the storage. */
import { type EncodingLimits, encodingLimits } from '@holdfast/storage';
import type { Config, Parameter } from './config.js';
import { memory, int64 as whole } from './parameter-kinds.js';

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
  ['stream-node-max-bytes', '4096', null, 'streamNodeBytes'],
  ['stream-node-max-entries', '100', null, 'streamNodeEntries'],
];

/** Kinds of those that are not plain integers. */
const kinds: Readonly<Record<string, Parameter['kind']>> = {
  'list-max-listpack-size': { ...whole, min: -2147483648, max: 2147483647 },
  'hash-max-listpack-value': memory,
  'zset-max-listpack-value': memory,
  'stream-node-max-bytes': memory,
};

export const encodingParameters: readonly Parameter[] = declarations.flatMap(([name, initial, alias]) => {
  const kind = kinds[name] ?? whole;
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
