/**
 * One process per directory. Node has no `flock`, so the lock is a unix socket that listens in the
 * directory: the kernel closes it with its process, however that dies, and a connection attempt tells
 * at once whether the holder lives. Unlike a file with a process id this also tells across containers that
 * share a volume, where ids mean nothing (every server is process 1), and after a reboot.
 *
 *     lock-7         the socket of the holder; it answers a connection with its process id
 *     lock-new-x     a socket about to be linked as `lock-8`
 *
 * Taking over from the dead without two winners:
 *
 * 1. Look at every `lock-N`. One that lives: LOCKED.
 * 2. Listen on a socket under a name of its own, then hard-link it as `lock-(highest + 1)`. Linking is
 *    atomic and fails when the name exists; a socket that is linked already listens, so no lock is ever
 *    seen in a state between.
 * 3. Look again. Whoever sees another living lock withdraws. Both sides link before they look, so of two
 *    at least one sees the other; if both do, both withdraw and the caller gets LOCKED.
 * 4. Remove the locks of the dead.
 *
 * Only "connection refused" and "no such file" count as dead; any other failure counts as alive. It does not
 * guard a directory that two machines mount from a network.
 */
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { KvError } from '@holdfast/common';
import type { DiskLock } from './disk.js';

/** The directory to lock, as `NodeDisk` gives it. */
export interface LockDirectory {
  readonly path: string;
  /** A short path to the same directory, for sockets; the same one under another name as well, where that can be. */
  readonly near: string;
  names(): string[];
  link(source: string, target: string): void;
  unlink(name: string): void;
  /** Called once the lock is released. */
  close(): void;
}

const attemptsMax = 5;
const answerTimeoutMs = 500;
const lockPattern = /^lock-(\d+)$/;

/** Whether a name in a directory is that of a lock, or of one that is being made: what a process that was killed leaves. */
export function isLockName(name: string): boolean {
  return /^lock-./.test(name);
}

export async function lockDirectory(directory: LockDirectory): Promise<DiskLock> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    await refuseWhenHeld(directory, '');
    const socketName = `lock-new-${randomBytes(6).toString('hex')}`;
    const server = await listen(`${directory.near}/${socketName}`);
    const name = `lock-${highestGeneration(directory) + 1}`;
    try {
      directory.link(socketName, name);
    } catch {
      // Somebody else was faster; the next look finds out who.
      server.close();
      continue;
    } finally {
      directory.unlink(socketName);
    }
    try {
      await refuseWhenHeld(directory, name);
    } catch (error) {
      directory.unlink(name);
      server.close();
      throw error;
    }
    removeTheDead(directory, name);
    return {
      release: async () => {
        directory.unlink(name);
        await new Promise<void>((resolve) => server.close(() => resolve()));
        directory.close();
      },
    };
  }
  throw new KvError('LOCKED', `${directory.path} is being locked by other processes just now: try again`);
}

function highestGeneration(directory: LockDirectory): number {
  let highest = 0;
  for (const name of directory.names()) highest = Math.max(highest, Number(lockPattern.exec(name)?.[1] ?? 0));
  return highest;
}

/** Throws LOCKED when a lock other than `own` is alive. */
async function refuseWhenHeld(directory: LockDirectory, own: string): Promise<void> {
  for (const name of directory.names()) {
    if (name === own || !lockPattern.test(name)) continue;
    const holder = await holderOf(`${directory.near}/${name}`);
    if (holder === null) continue;
    throw new KvError(
      'LOCKED',
      `${directory.path} is in use by ${holder}: stop it first, or choose another directory`,
    );
  }
}

function removeTheDead(directory: LockDirectory, own: string): void {
  for (const name of directory.names()) {
    if (isLockName(name) && name !== own) directory.unlink(name);
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`${process.pid}\n`);
    });
    server.unref();
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

/** Who holds the lock with this socket, in words; null when nobody does any more. */
function holderOf(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(path);
    const describe = () => (answer === '' ? 'a process that does not answer' : `process ${answer.trim()}`);
    socket.setTimeout(answerTimeoutMs, () => {
      socket.destroy();
      resolve(describe());
    });
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? null : describe());
    });
    socket.once('end', () => {
      socket.destroy();
      resolve(describe());
    });
  });
}
