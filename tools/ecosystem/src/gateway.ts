/** The server as users start it, on a free port, without a log. */
import { fileURLToPath } from 'node:url';
import { ProcessUnderTest } from '@holdfast/testing/faults';

const main = fileURLToPath(new URL('../../../apps/gateway/dist/main.js', import.meta.url));

export interface Gateway {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly process: ProcessUnderTest;
}

export async function startGateway(): Promise<Gateway> {
  const ports = ['--redis-port', '0', '--grpc-port', '0', '--http-port', '0'];
  // The variables of the tests are no settings of the server.
  const variables = Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_'));
  const server = new ProcessUnderTest({
    program: process.execPath,
    args: [main, ...ports, '--log-level', 'warn'],
    variables: Object.fromEntries(variables),
    isReady: (line) => line.includes('"ready":true'),
  });
  const { redis } = JSON.parse(await server.start()) as { redis: string };
  const { hostname, port } = new URL(`redis://${redis}`);
  return { host: hostname, port: Number(port), url: `redis://${redis}`, process: server };
}
