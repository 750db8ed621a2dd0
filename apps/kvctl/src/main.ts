#!/usr/bin/env node
/** The process. See `exit-codes.ts` for how it ends. */
import { ProcessHold, systemEnv } from '@holdfast/common';
import { run } from './program.js';

// Between two looks at what is waited for nothing else would hold it.
new ProcessHold().set(true);
process.exit(
  await run(process.argv.slice(2), {
    env: systemEnv(),
    streams: {
      out: (text) => process.stdout.write(text),
      error: (text) => process.stderr.write(text),
    },
    signals: process,
  }),
);
