/**
 * Random commands of all types to redis-server and to the gateway: in memory, and on the disk with kills in between.
 * HOLDFAST_SEED and HOLDFAST_DIFFERENTIAL_SECONDS say where it searches and for how long; `npm run differential` searches
 * further.
 */
import { expect, it } from 'vitest';
import type { GatewaySettings } from '../server.js';
import { DifferentialSearch } from './search.js';
import { ServerPair } from './server-pair.js';

const { HOLDFAST_SEED, HOLDFAST_DIFFERENTIAL_SECONDS } = process.env;
// A gate must not depend on luck: it searches one place, as far as that is known, and people search everywhere else.
const seed = Number(HOLDFAST_SEED ?? 1);
const seconds = Number(HOLDFAST_DIFFERENTIAL_SECONDS ?? 30);

interface Subject {
  readonly name: string;
  readonly settings: GatewaySettings;
  readonly sequencesMax: number;
}

const subjects: readonly Subject[] = [
  { name: 'in memory', settings: {}, sequencesMax: 3000 },
  { name: 'on the disk, over kills', settings: { storage: 'level', log: 'file' }, sequencesMax: 100 },
  {
    name: 'on the disk, with next to nothing in memory',
    settings: { storage: 'level', log: 'file', 'cache-bytes': '1' },
    sequencesMax: 100,
  },
];

it.each(subjects)(
  `answers as redis-server does, $name (HOLDFAST_SEED=${seed})`,
  async ({ settings, sequencesMax }) => {
    const pair = await ServerPair.start(settings);
    try {
      const options = { seed, seconds, sequencesMax, findingsMax: 3, restartEvery: pair.isKept ? 25 : 0 };
      const { sequenceCount, requestCount, restartCount, findings } = await new DifferentialSearch(
        pair,
        options,
      ).run();
      console.log(`compared ${sequenceCount} sequences, ${requestCount} requests, ${restartCount} restarts`);
      expect(findings.length, findings.join('\n\n')).toBe(0);
    } finally {
      await pair.stop();
    }
  },
  seconds * 1000 + 120_000,
);
