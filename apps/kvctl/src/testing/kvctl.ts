/** Runs the command line as a process would. */
import { EventEmitter } from 'node:events';
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
export function telling(onNote: (text: string) => void, ...argv: string[]): Promise<Result> {
  return signalled(new EventEmitter(), onNote, argv);
}

/** As `telling`; the process gets its signals from `signals`. */
export async function signalled(
  signals: EventEmitter,
  onNote: (text: string) => void,
  argv: readonly string[],
): Promise<Result> {
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
    signals,
  });
  return { code, out, error };
}
