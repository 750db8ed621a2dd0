/** `npm run differential -- [--seconds N] [--seed S] ...`: installs and builds what is missing, then searches. */
import { join } from 'node:path';
import { build, installPackages, installPrograms, root, run } from './dependencies.mjs';

installPackages();
installPrograms();
build();
run(process.execPath, [join(root, 'tools/integration/dist/differential/main.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
