/**
 * A socket that reads into one buffer shared by all connections, which saves an allocation per read.
 *
 * `net.Server` has no public way to it, so the socket is made anew over the handle of the accepted one.
 * Where that handle is not to be had (another version of the runtime), the accepted socket is used as it
 * is, with its `data` events: slower, otherwise the same.
 */
import { Socket } from 'node:net';

const readBytes = 64 * 1024;
const sharedReadBuffer = Buffer.allocUnsafeSlow(readBytes);

interface HandleOwner {
  _handle: { reading?: boolean } | null;
  /** Who counts the connection: `server.close` waits until none is left. */
  _server?: object | null;
}

/** Receives `bytes[0, length)`, which is used again after the call. */
export type ReadListener = (bytes: Buffer, length: number) => void;

/**
 * Starts reading from a socket that was accepted with `pauseOnConnect`; the socket to use from now on.
 * `isPlain` forces the fallback.
 */
export function readInto(accepted: Socket, onRead: ReadListener, isPlain: boolean): Socket {
  const owner = accepted as unknown as HandleOwner;
  const handle = owner._handle;
  if (isPlain || handle === null || typeof handle !== 'object') {
    accepted.on('data', (chunk: Buffer) => onRead(chunk, chunk.length));
    accepted.resume();
    return accepted;
  }
  owner._handle = null;
  handle.reading = false;
  const options = {
    handle,
    readable: true,
    writable: true,
    allowHalfOpen: true,
    onread: {
      buffer: sharedReadBuffer,
      callback: (length: number, bytes: Uint8Array): boolean => {
        onRead(bytes as Buffer, length);
        return true;
      },
    },
  };
  const socket = new Socket(options as unknown as { readable: boolean });
  (socket as unknown as HandleOwner)._server = owner._server ?? null;
  owner._server = null;
  socket.read(0);
  return socket;
}
