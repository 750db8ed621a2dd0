import { describe, expect, it } from 'vitest';
import { brokenOracleStores } from './broken-oracles.js';
import { oracleConformance } from './oracle-conformance.js';

describe('the conformance suite refuses an oracle that', () => {
  for (const { name, makeStore } of brokenOracleStores) {
    it(name, async () => {
      const failed: string[] = [];
      for (const testCase of oracleConformance) {
        await testCase.run(makeStore()).catch(() => failed.push(testCase.name));
      }
      expect(failed).not.toEqual([]);
    });
  }
});
