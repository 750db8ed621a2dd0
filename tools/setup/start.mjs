/** `npm start -- [settings]`: installs and builds what is missing, then becomes the gateway. */
import { spawn } from 'node:child_process';
import { build, installPackages } from './dependencies.mjs';
import { gatewayEnvironment, gatewayMain } from './gateway.mjs';

installPackages();
build();

const options = { stdio: 'inherit', env: gatewayEnvironment };
const gateway = spawn(process.execPath, [gatewayMain, ...process.argv.slice(2)], options);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => gateway.kill(signal));
gateway.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
