#!/usr/bin/env node
/** The process: see `runProcess`. */
import { systemEnv } from '@holdfast/common';
import { compileEarly, ruledSettings, runProcess } from '@holdfast/service';
import { rules, settingsOf } from './settings.js';
import { StorageNode } from './storage-node.js';

compileEarly();
await runProcess({
  manifest: new URL('../package.json', import.meta.url),
  settings: ruledSettings('holdfast-node', rules, settingsOf),
  start: (settings, logger, onEnd) => StorageNode.start(settings, systemEnv(), logger, onEnd),
});
