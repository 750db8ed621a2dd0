/** The parameters of the server, with Redis' names, limits and defaults. */
import { type Parameter, parseMemory } from './config.js';
import { encodingParameters } from './encoding-parameters.js';

const whole = { type: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER } as const;
const int32 = { type: 'integer', min: 0, max: 2147483647 } as const;
const memory = { type: 'memory', min: 0, max: Number.MAX_SAFE_INTEGER } as const;
const flag = { type: 'flag' } as const;
const text = { type: 'text' } as const;

export const parameters: readonly Parameter[] = [
  { name: 'maxclients', kind: { type: 'integer', min: 1, max: 4294967295 }, initial: '10000' },
  { name: 'timeout', kind: int32, initial: '0' },
  { name: 'tcp-keepalive', kind: int32, initial: '300' },
  { name: 'tcp-backlog', kind: int32, initial: '511', isFixed: true },
  {
    name: 'client-output-buffer-limit',
    kind: { type: 'custom', normalize: normalizeOutputLimits },
    initial: 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
  },
  { name: 'requirepass', kind: text, initial: '' },
  { name: 'proto-max-bulk-len', kind: { ...memory, min: 1024 * 1024 }, initial: '512mb' },
  { name: 'client-query-buffer-limit', kind: { ...memory, min: 1024 * 1024 }, initial: '1gb' },
  { name: 'databases', kind: { type: 'integer', min: 1, max: 16 }, initial: '16', isFixed: true },
  { name: 'maxmemory', kind: memory, initial: '0' },
  { name: 'activerehashing', kind: flag, initial: 'yes' },
  { name: 'hz', kind: whole, initial: '10' },
  ...encodingParameters,
];

/** `class hard soft seconds` for some classes; amounts may have units. Classes left out keep their limits. */
function normalizeOutputLimits(value: string): string | null {
  const words = value.trim().split(/\s+/);
  if (words.length % 4 !== 0) return null;
  const normalized: string[] = [];
  for (let i = 0; i < words.length; i += 4) {
    const name = words[i].toLowerCase() === 'replica' ? 'slave' : words[i].toLowerCase();
    const hard = parseMemory(words[i + 1]);
    const soft = parseMemory(words[i + 2]);
    if (!['normal', 'slave', 'pubsub'].includes(name) || hard === null || soft === null) return null;
    if (!/^\d+$/.test(words[i + 3])) return null;
    normalized.push(name, String(hard), String(soft), words[i + 3]);
  }
  return normalized.join(' ');
}
