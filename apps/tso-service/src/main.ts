#!/usr/bin/env node
/** The process: see `runProcess`. */
import { systemEnv } from '@holdfast/common';
import { runProcess } from '@holdfast/service';
import { rules, settingsOf } from './settings.js';
import { TsoService } from './tso-service.js';

await runProcess({
  program: 'holdfast-tso',
  rules,
  start: (setting, logger) => TsoService.start(settingsOf(setting), systemEnv(), logger),
});
