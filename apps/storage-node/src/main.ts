#!/usr/bin/env node
/** The process: see `runProcess`. */
import { systemEnv } from '@holdfast/common';
import { runProcess } from '@holdfast/service';
import { rules, settingsOf } from './settings.js';
import { StorageNode } from './storage-node.js';

await runProcess({
  program: 'holdfast-node',
  rules,
  start: (setting, logger) => StorageNode.start(settingsOf(setting), systemEnv(), logger),
});
