import { describe, expect, it } from 'vitest';
import { brokenEnvs } from './broken-envs.js';
import { brokenReplies } from './broken-replies.js';
import { brokenRequestSources } from './broken-requests.js';
import { envConformance } from './env-conformance.js';
import { replyConformance } from './reply-conformance.js';
import { requestConformance } from './request-conformance.js';

/** Names of the cases that fail, each with a subject of its own. */
async function failuresOf<S>(
  cases: readonly { name: string; run(subject: S): unknown }[],
  makeSubject: () => S,
): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of cases) {
    try {
      await run(makeSubject());
    } catch {
      failed.push(name);
    }
  }
  return failed;
}

/** Every broken subject fails some case, and every case fails some broken subject. */
function refuses<S>(
  what: string,
  cases: readonly { name: string; run(subject: S): unknown }[],
  broken: readonly { name: string; make(): S }[],
): void {
  describe(`the conformance suite refuses ${what} that`, () => {
    const useful = new Set<string>();
    for (const { name, make } of broken) {
      it(name, async () => {
        const failures = await failuresOf(cases, make);
        expect(failures).not.toEqual([]);
        for (const failure of failures) useful.add(failure);
      });
    }

    it('is wrong in a way that only one case shows', () => {
      expect(cases.map(({ name }) => name).filter((name) => !useful.has(name))).toEqual([]);
    });
  });
}

refuses('an Env', envConformance, brokenEnvs);
refuses('a Request', requestConformance, brokenRequestSources);
refuses('a Reply', replyConformance, brokenReplies);
