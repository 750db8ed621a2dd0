/** The search of `npm run fuzz`, for HOLDFAST_FUZZ_SECONDS from HOLDFAST_SEED; and that its watch sees what it should. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { CommandFuzz } from './fuzz-commands.js';
import { FuzzProgress, watchProgress } from './fuzz-progress.js';

const { CI, HOLDFAST_SEED, HOLDFAST_FUZZ_SECONDS } = process.env;
// A gate must not depend on luck: it searches one place, and people search everywhere else.
const seed = Number(HOLDFAST_SEED ?? (CI === undefined ? Math.floor(Math.random() * 2 ** 31) : 1));
const seconds = Number(HOLDFAST_FUZZ_SECONDS ?? 120);
const program = fileURLToPath(new URL('../dist/fuzz.js', import.meta.url));

it(
  `finds nothing wrong in ${seconds} s (HOLDFAST_SEED=${seed})`,
  async () => {
    const args = [program, '--seconds', String(seconds), '--seed', String(seed)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const [inputs, commands] = stdout.trim().split('\n').at(-1)!.match(/\d+/g)!.map(Number);
    console.log(`fuzzed with ${inputs} inputs and ${commands} commands, seed ${seed}`);
    expect(inputs).toBeGreaterThan(seconds);
    expect(commands).toBeGreaterThan(seconds);
  },
  seconds * 1000 + 120_000,
);

it('runs the same commands from the same seed', () => {
  const [one, other] = [0, 0].map(() => {
    const requests: string[] = [];
    const fuzz = new CommandFuzz(7, (request) => requests.push(request));
    for (let round = 0; round < 3; round++) fuzz.round();
    return requests;
  });
  expect(one.length).toBeGreaterThan(500);
  expect(one).toEqual(other);
});

it.each([
  [
    'a thread that hangs',
    { silenceMsMax: 300, residentBytesMax: 2 ** 40 },
    /^hangs for 300 ms at: LAST "one"$/,
  ],
  [
    'memory that grows',
    { silenceMsMax: 60_000, residentBytesMax: 1 },
    /^uses \d+ bytes of memory at: LAST "one"$/,
  ],
])('sees %s', async (_what, limits, reason) => {
  const progress = new FuzzProgress();
  progress.note('FIRST of all');
  progress.note('LAST "one"');
  const failure = await new Promise<string>((resolve) => {
    watchProgress(progress, limits, resolve);
  });
  expect(failure).toMatch(reason);
});
