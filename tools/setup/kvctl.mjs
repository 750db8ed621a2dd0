/** `npm run kvctl -- ...`: the command line of a cluster, out of this workspace. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, installPackages, root } from './dependencies.mjs';

const main = join(root, 'apps/kvctl/dist/main.js');
installPackages();
if (!existsSync(main)) build();
const { status } = spawnSync(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
