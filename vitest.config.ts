import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Specs that take minutes: of processes of their own, or of thousands of seeds. */
const longest = /\/(crash|fuzz)\.spec\.ts$|\/simulator\//;

const conformance = 'packages/*/src/**/*conformance.spec.ts';

/** The longest first, so that the others run beside them. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => longest.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  ssr: { resolve: { conditions: ['@holdfast/source', 'node'] } },
  resolve: { conditions: ['@holdfast/source', 'node'] },
  test: {
    pool: 'forks',
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    projects: [
      // Many and short: a process for each would spend half of its time on loading the same modules.
      {
        extends: true,
        test: {
          name: 'packages',
          include: ['packages/*/src/**/*.spec.ts'],
          exclude: [conformance],
          isolate: false,
        },
      },
      // Long: in a process that has compiled the same code for others they take twice as long.
      { extends: true, test: { name: 'conformance', include: [conformance] } },
      { extends: true, test: { name: 'programs', include: ['{apps,tools}/*/src/**/*.spec.ts'] } },
    ],
  },
});
