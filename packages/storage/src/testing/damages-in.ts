/** What `checkStore` finds wrong in a store, notes among it. */
import type { Findings } from '@holdfast/common';
import { checkStore } from '../level/store-check.js';
import { type SimulatedContent, SimulatedOrderedStore } from './simulated-ordered-store.js';

export async function damagesIn(content: SimulatedContent): Promise<string[]> {
  const damages: string[] = [];
  const findings: Findings = {
    damage: (place, what) => void damages.push(`${place}: ${what}`),
    note: (place, what) => void damages.push(`note, ${place}: ${what}`),
    passed: () => {},
  };
  await checkStore(new SimulatedOrderedStore(content), 'the store', findings);
  return damages;
}
