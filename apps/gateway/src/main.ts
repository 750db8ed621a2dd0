#!/usr/bin/env node
/** The process: see `runProcess`. */
import { runProcess } from '@holdfast/service';
import { Gateway } from './gateway.js';
import { settingsOfProcess } from './settings.js';

await runProcess({
  manifest: new URL('../package.json', import.meta.url),
  settings: settingsOfProcess,
  start: (settings, logger, onEnd) => Gateway.start(settings, logger, { onEnd }),
});
