/** `npm run kvctl -- ...`: the command line of a cluster, out of this workspace; installs and builds what is missing first. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, installPackages, root } from './dependencies.mjs';

installPackages();
build();
const main = join(root, 'apps/kvctl/dist/main.js');
const { status } = spawnSync(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
