/** Sets keys 0 to count - 1, each once, over one connection, a thousand at a time. */
import { connect } from 'node:net';

const batchKeys = 1000;
/** `+OK\r\n` */
const replyBytes = 5;

export async function fill(port: number, count: number, valueBytes: number): Promise<void> {
  const value = 'x'.repeat(valueBytes);
  await new Promise<void>((resolve, reject) => {
    let next = 0;
    let received = 0;
    const socket = connect(port, '127.0.0.1');
    const send = (): void => {
      let text = '';
      for (const end = Math.min(next + batchKeys, count); next < end; next++) {
        text += `*3\r\n$3\r\nSET\r\n$16\r\nkey:${String(next).padStart(12, '0')}\r\n$${valueBytes}\r\n${value}\r\n`;
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
