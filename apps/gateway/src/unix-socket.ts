/** The file of a unix socket: what a killed server left behind, and who may connect. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';

/**
 * Removes the socket of a server that is no more: the kernel leaves the file behind when a process is
 * killed, and nobody could listen there again. A socket that somebody listens to, and any other file, stays:
 * listening fails then, as it should.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  if (isSocket && (await refusesConnections(path))) unlinkSync(path);
}

/** `permissions` in octal, as Redis has it; 0 leaves them as the process's mask made them. */
export function permitSocket(path: string, permissions: string): void {
  const mode = Number.parseInt(permissions, 8);
  if (mode !== 0) chmodSync(path, mode);
}

function refusesConnections(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
