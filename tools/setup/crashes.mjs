/** `npm run crashes -- ...`: installs and builds what is missing, then kills servers under load. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, installPackages, installPrograms, root } from './dependencies.mjs';

installPackages();
if (process.argv.some((argument) => /^--(power-cuts|disk-faults)/.test(argument))) installPrograms('strace');
build();
const main = join(root, 'tools/integration/dist/crashes/main.js');
const { status } = spawnSync(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
