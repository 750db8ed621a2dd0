/** Runs the command line as a process would. */
import { systemEnv } from '@holdfast/common';
import { run } from '../program.js';

/** What a command printed, and how it ended. */
export interface Result {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export function kvctl(...argv: string[]): Promise<Result> {
  return telling(() => {}, ...argv);
}

/** As `kvctl`; `onNote` hears of how far it is. */
export async function telling(onNote: (text: string) => void, ...argv: string[]): Promise<Result> {
  let [out, error] = ['', ''];
  const code = await run(argv, {
    env: systemEnv(),
    streams: {
      out: (text) => {
        out += text;
      },
      error: (text) => {
        error += text;
        onNote(text);
      },
    },
  });
  return { code, out, error };
}
