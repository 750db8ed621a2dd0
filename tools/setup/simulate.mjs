/** `npm run simulate -- [--seeds N]`: installs and builds what is missing, then runs the simulator. */
import { join } from 'node:path';
import { build, installPackages, root, run } from './dependencies.mjs';

installPackages();
build();
run(process.execPath, [join(root, 'tools/simulator/dist/main.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
