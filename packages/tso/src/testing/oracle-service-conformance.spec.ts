import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { brokenOracleServices } from './broken-oracle-services.js';
import { oracleServiceConformance } from './oracle-service-conformance.js';
import { SimulatedOracleService } from './simulated-oracle-service.js';

describe('LeaderOracle on virtual time', () => {
  for (const { name, run } of oracleServiceConformance) {
    it(name, async () => {
      for (let seed = 1; seed <= 5; seed++) {
        const env = new SimulatedEnv(seed);
        await env.until(run(new SimulatedOracleService(env))).catch((error: Error) => {
          throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
        });
      }
    });
  }
});

describe('the suite of services refuses one that', () => {
  for (const { name, start } of brokenOracleServices) {
    it(name, async () => {
      const failed: string[] = [];
      for (const testCase of oracleServiceConformance) {
        const { env, service } = start();
        await env.until(testCase.run(service)).catch((error: Error) => failed.push(error.message));
      }
      // Not only that it stands still.
      expect(failed).toContainEqual(expect.stringMatching(/given twice|had been given/));
    });
  }
});
