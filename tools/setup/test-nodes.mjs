/**
 * `npm run test:nodes -- [files]`: the tests under every release of Node that is supported besides the one at hand,
 * which npm brings. The searches, which do not depend on it, are short.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, installPackages, installPrograms, root } from './dependencies.mjs';

const releases = [20, 22, 24];
const own = Number(process.versions.node.split('.')[0]);

installPackages();
installPrograms();
build();
const env = { HOLDFAST_CRASH_KILLS: '5', HOLDFAST_FUZZ_SECONDS: '10', ...process.env };
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const failed = [];
for (const release of releases.filter((each) => each !== own)) {
  console.error(`Node ${release}`);
  const args = ['-y', '-p', `node@${release}`, 'node', vitest, 'run', ...process.argv.slice(2)];
  const { status } = spawnSync('npx', args, { cwd: root, stdio: 'inherit', env });
  if (status !== 0) failed.push(release);
}
for (const release of failed) console.error(`failed under Node ${release}`);
process.exit(failed.length === 0 ? 0 : 1);
