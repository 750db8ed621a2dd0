#!/usr/bin/env node
/** The process. See `exit-codes.ts` for how it ends. */
import { systemEnv } from '@holdfast/common';
import { run } from './program.js';

process.exit(
  await run(process.argv.slice(2), {
    env: systemEnv(),
    streams: {
      out: (text) => process.stdout.write(text),
      error: (text) => process.stderr.write(text),
    },
  }),
);
