#!/usr/bin/env node
/** The process: see `runProcess`. */
import { systemEnv } from '@holdfast/common';
import { compileEarly, ruledSettings, runProcess } from '@holdfast/service';
import { rules, settingsOf } from './settings.js';
import { TsoService } from './tso-service.js';

compileEarly();
await runProcess({
  manifest: new URL('../package.json', import.meta.url),
  settings: ruledSettings('holdfast-tso', rules, settingsOf),
  start: (settings, logger) => TsoService.start(settings, systemEnv(), logger),
});
