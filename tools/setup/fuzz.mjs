/** `npm run fuzz -- [--seconds N] [--seed N]`: installs and builds what is missing, then searches for faults. */
import { join } from 'node:path';
import { build, installPackages, root, run } from './dependencies.mjs';

installPackages();
build();
run(process.execPath, [join(root, 'tools/integration/dist/fuzz.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
