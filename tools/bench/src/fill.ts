/**
 * Sets keys 0 to count - 1, each once, over one connection, a thousand at a time. `random` values are of letters that do
 * not compress, others of one letter.
 */
import { connect } from 'node:net';

const batchKeys = 1000;
/** `+OK\r\n` */
const replyBytes = 5;

export async function fill(port: number, count: number, valueBytes: number, random = false): Promise<void> {
  const nextValue = random ? randomValues(valueBytes) : (): string => same;
  const same = 'x'.repeat(valueBytes);
  await new Promise<void>((resolve, reject) => {
    let next = 0;
    let received = 0;
    const socket = connect(port, '127.0.0.1');
    const send = (): void => {
      let text = '';
      for (const end = Math.min(next + batchKeys, count); next < end; next++) {
        text += `*3\r\n$3\r\nSET\r\n$16\r\nkey:${String(next).padStart(12, '0')}\r\n$${valueBytes}\r\n${nextValue()}\r\n`;
      }
      socket.write(text);
    };
    socket.on('connect', send);
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received === count * replyBytes) socket.end(resolve);
      else if (received === next * replyBytes) send();
    });
    socket.on('error', reject);
  });
}

/** Pieces of one text of a megabyte. */
function randomValues(bytes: number): () => string {
  let state = 1;
  // A linear congruential generator, with the constants of Numerical Recipes.
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x100000000) * below);
  };
  const text = Buffer.from(Array.from({ length: 1 << 20 }, () => 33 + draw(90))).toString('latin1');
  return () => {
    const at = draw(text.length - bytes);
    return text.slice(at, at + bytes);
  };
}
