import type { Command } from '../../command.js';
import { evalScript } from './eval.js';
import { evalScriptReadOnly } from './eval-ro.js';
import { evalSha } from './evalsha.js';
import { evalShaReadOnly } from './evalsha-ro.js';
import { fcall } from './fcall.js';
import { fcallReadOnly } from './fcall-ro.js';
import { functionContainer } from './function.js';
import { script } from './script.js';

export const scriptingCommands: readonly Command[] = [
  evalScript,
  evalScriptReadOnly,
  evalSha,
  evalShaReadOnly,
  script,
  fcall,
  fcallReadOnly,
  functionContainer,
];
