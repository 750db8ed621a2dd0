#!/usr/bin/env node
/** The process: see `runProcess`. */
import { systemEnv } from '@holdfast/common';
import { compileEarly, runProcess } from '@holdfast/service';
import { settingsOfProcess } from './settings.js';
import { StorageNode } from './storage-node.js';

compileEarly();
await runProcess({
  manifest: new URL('../package.json', import.meta.url),
  settings: settingsOfProcess,
  start: (settings, logger, onEnd) => StorageNode.start(settings, systemEnv(), logger, onEnd),
});
