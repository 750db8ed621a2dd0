/** `npm run cluster -- up | status | down`: installs and builds what is missing, then runs a cluster on this machine. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, installPackages, installPrograms, root } from './dependencies.mjs';

installPackages();
installPrograms('etcd');
build();
const main = join(root, 'tools/cluster/dist/main.js');
const { status } = spawnSync(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
