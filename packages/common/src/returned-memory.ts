/**
 * Memory that is given back at once, instead of when it is collected: of a large buffer the collector sees an object of some
 * bytes, and is in no hurry. A SET of 512 MB had what was read of the client in memory until the next command of its size.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** To give less back at once is not worth it: the system takes 0.1 ms for each MiB, which others wait for. */
const returnedBytesMin: number = 1 << 26;

/** Made when it is first needed: what is sent to it in the milliseconds until the other end is closed goes then. */
let nobody: MessagePort | null = null;

/**
 * Of a buffer that has its memory for itself, and that nobody uses any more: it is empty from now on, with all views of it. What
 * is sent to a port whose other end is closed goes nowhere; the runtime knows no other way before Node 22.
 */
export function returnMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < returnedBytesMin || !(buffer instanceof ArrayBuffer)) return;
  if (nobody === null) {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    nobody = port1;
  }
  nobody.postMessage(null, [buffer]);
}
