/** `npm run faults -- ...`: installs and builds what is missing, then breaks a real cluster until something is wrong. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, installPackages, installPrograms, root } from './dependencies.mjs';

installPackages();
installPrograms('etcd');
build();
const main = join(root, 'tools/integration/dist/faults/main.js');
const { status } = spawnSync(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
