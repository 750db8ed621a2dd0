/** Runs the command line as a process would. */
import { systemEnv } from '@holdfast/common';
import { run } from '../program.js';

/** What a command printed, and how it ended. */
export interface Result {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export async function kvctl(...argv: string[]): Promise<Result> {
  let [out, error] = ['', ''];
  const code = await run(argv, {
    env: systemEnv(),
    streams: {
      out: (text) => {
        out += text;
      },
      error: (text) => {
        error += text;
      },
    },
  });
  return { code, out, error };
}
