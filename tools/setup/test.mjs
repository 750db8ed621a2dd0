/** `npm test`: installs what is missing, builds, checks types, lint and imports, then runs every test. */
import { spawnSync } from 'node:child_process';
import { build, installPackages, installPrograms, root, run } from './dependencies.mjs';

installPackages();
installPrograms();
build();
run('npx', ['biome', 'check', '--error-on-warnings', '.']);
const result = spawnSync('npx', ['vitest', 'run', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
process.exit(result.status ?? 1);
