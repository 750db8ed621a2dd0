/** `npm run bench -- [suites]`: installs and builds what is missing, then runs the benchmarks. */
import { join } from 'node:path';
import { build, installPackages, installPrograms, root, run } from './dependencies.mjs';

installPackages();
installPrograms();
build();
run(process.execPath, [join(root, 'tools/bench/dist/main.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
