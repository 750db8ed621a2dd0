/**
 * How soon a server without data answers, and what that took: from the start of the process to the reply to PING, as a
 * test that starts a server of its own waits for it.
 */
import { connect } from 'node:net';
import { inMemory, type RunningServer, startOurs, startRedis } from './servers.js';
import { formatRow } from './table.js';

type Samples = Record<RunningServer['name'], number[]>;

export async function start(pairs: number): Promise<void> {
  const times: Samples = { redis: [], ours: [] };
  const costs: Samples = { redis: [], ours: [] };
  for (let pair = 0; pair < pairs; pair++) {
    for (const begin of [startRedis, startOurs]) {
      const beganMs = performance.now();
      const server = await begin(inMemory);
      await answered(server.port);
      times[server.name].push(performance.now() - beganMs);
      costs[server.name].push(server.cpuMs());
      await server.stop();
    }
  }
  console.log(formatRow({ what: 'start in memory, to the first PONG', ...times, unit: 'ms' }));
  console.log(formatRow({ what: 'CPU time of it', ...costs, unit: 'ms' }));
}

function answered(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.on('error', reject);
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
  });
}
