/** GETs of keys that are all there, over many connections without pipelining, as fast as both sides can. */
import { connect, type Socket } from 'node:net';
import { build } from 'hdr-histogram-js';

export interface ColdLoad {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly valueBytes: number;
  /** Number of the next key to be asked for. A generator of its own for each load would ask for the same ones again. */
  readonly draw: () => number;
}

export interface ColdFigures {
  /** Requests per second. */
  readonly rate: number;
  /** In ms. */
  readonly p99: number;
}

export async function runCold(load: ColdLoad): Promise<ColdFigures> {
  const request = (): string => `*2\r\n$3\r\nGET\r\n$16\r\nkey:${String(load.draw()).padStart(12, '0')}\r\n`;
  // All values are of one length: a reply is over when as many bytes are there.
  const replyBytes = `$${load.valueBytes}\r\n`.length + load.valueBytes + 2;
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 });
  const endMs = performance.now() + load.seconds * 1000;
  let answered = 0;
  await Promise.all(
    Array.from({ length: load.connections }, () =>
      ask(load.port, replyBytes, request, (elapsedMs) => {
        answered++;
        histogram.recordValue(Math.max(1, Math.round(elapsedMs * 1000)));
        return performance.now() < endMs;
      }),
    ),
  );
  return { rate: answered / load.seconds, p99: histogram.getValueAtPercentile(99) / 1000 };
}

/** One request after the other, until `onReply` says that it is enough. */
function ask(
  port: number,
  replyBytes: number,
  request: () => string,
  onReply: (elapsedMs: number) => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1');
    let received = 0;
    let sentMs = 0;
    const send = (): void => {
      sentMs = performance.now();
      received = 0;
      socket.write(request());
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > replyBytes || chunk[0] === 45)
        reject(new Error(`not a value: ${chunk.toString('latin1', 0, 80)}`));
      if (received < replyBytes) return;
      if (onReply(performance.now() - sentMs)) send();
      else socket.end(resolve);
    });
  });
}
