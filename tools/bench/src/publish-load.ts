/** PUBLISH by redis-benchmark to subscribers that read all they get: until the last of them has the last message. */
import { connect, type Socket } from 'node:net';
import { type Load, measure } from './redis-benchmark.js';

export interface PublishLoad {
  readonly port: number;
  readonly subscribers: number;
  readonly messages: number;
  readonly messageBytes: number;
}

const channel = 'news';

/** Messages published per second. */
export async function runPublish(load: PublishLoad): Promise<number> {
  const message = 'm'.repeat(load.messageBytes);
  const frame = `*3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$${message.length}\r\n${message}\r\n`;
  const readers = Array.from({ length: load.subscribers }, () => new Reader(load.port));
  await Promise.all(readers.map((reader) => reader.subscribed));
  const all = readers.map((reader) => reader.read(frame.length * load.messages));
  const publish: Load = {
    title: 'PUBLISH',
    requests: load.messages,
    clients: 50,
    pipeline: 16,
    test: ['publish', channel, message],
    keys: 1,
    valueBytes: 1,
  };
  const startMs = performance.now();
  await measure(load.port, publish);
  await Promise.all(all);
  const rate = (load.messages * 1000) / (performance.now() - startMs);
  for (const reader of readers) reader.close();
  return rate;
}

/** Counts bytes only, so that the servers are measured and not who listens. */
class Reader {
  readonly subscribed: Promise<void>;
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.write(`*2\r\n$9\r\nSUBSCRIBE\r\n$${channel.length}\r\n${channel}\r\n`);
    this.subscribed = new Promise((resolve, reject) => {
      this.#socket.once('data', () => resolve());
      this.#socket.once('error', reject);
    });
  }

  /** Resolves once so many bytes more have come. */
  read(bytes: number): Promise<void> {
    let missing = bytes;
    return new Promise((resolve, reject) => {
      this.#socket.on('data', ({ length }) => {
        missing -= length;
        if (missing <= 0) resolve();
      });
      this.#socket.once('close', () => reject(new Error(`a subscriber lost its connection`)));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
