/** `npm start -- [settings]`: installs and builds what is missing, then becomes the gateway. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, installPackages, root } from './dependencies.mjs';

installPackages();
build();

const main = join(root, 'apps/gateway/dist/main.js');
const gateway = spawn(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => gateway.kill(signal));
gateway.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
