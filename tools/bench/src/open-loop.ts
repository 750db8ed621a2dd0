/**
 * A load that does not wait: requests are due at a fixed rate, whatever the server does, and a latency
 * counts from the moment the request was due, so that a stall is felt by all requests it delayed
 * (no coordinated omission).
 */
import { connect, type Socket } from 'node:net';
import { build, type Histogram } from 'hdr-histogram-js';
import Parser from 'redis-parser';

export interface OpenLoop {
  readonly port: number;
  readonly connections: number;
  readonly requestsPerSecond: number;
  readonly seconds: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** Share of SETs; the others are GETs. */
  readonly writes: number;
}

export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly requests: number;
}

interface Line {
  readonly socket: Socket;
  /** When the requests on their way were due, oldest first. */
  readonly due: number[];
}

/** Latencies in ms. */
export async function runOpenLoop(load: OpenLoop): Promise<Latencies> {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
  const lines: Line[] = [];
  for (let i = 0; i < load.connections; i++) lines.push(await open(load.port, histogram));
  const value = 'x'.repeat(load.valueBytes);
  const total = load.requestsPerSecond * load.seconds;
  const startMs = performance.now() + 50;
  const intervalMs = 1000 / load.requestsPerSecond;
  let sent = 0;
  await new Promise<void>((resolve) => {
    const tick = (): void => {
      const nowMs = performance.now();
      while (sent < total && startMs + sent * intervalMs <= nowMs) {
        const line = lines[sent % lines.length];
        line.due.push(startMs + sent * intervalMs);
        line.socket.write(nextRequest(load, value));
        sent++;
      }
      if (sent < total) setImmediate(tick);
      else resolve();
    };
    tick();
  });
  const deadlineMs = performance.now() + 10_000;
  while (lines.some((line) => line.due.length > 0) && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const { socket } of lines) socket.destroy();
  const at = (percent: number): number => histogram.getValueAtPercentile(percent) / 1000;
  return {
    p50: at(50),
    p99: at(99),
    p999: at(99.9),
    max: histogram.maxValue / 1000,
    requests: histogram.totalCount,
  };
}

function nextRequest(load: OpenLoop, value: string): string {
  const key = `key:${String(Math.floor(Math.random() * load.keys)).padStart(12, '0')}`;
  if (Math.random() >= load.writes) return `*2\r\n$3\r\nGET\r\n$16\r\n${key}\r\n`;
  return `*3\r\n$3\r\nSET\r\n$16\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;
}

function open(port: number, histogram: Histogram): Promise<Line> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(line));
    socket.setNoDelay(true);
    const line: Line = { socket, due: [] };
    const answered = (): void => {
      const dueMs = line.due.shift();
      if (dueMs !== undefined)
        histogram.recordValue(Math.max(1, Math.round((performance.now() - dueMs) * 1000)));
    };
    const parser = new Parser({ returnReply: answered, returnError: answered });
    socket.on('data', (chunk: Buffer) => parser.execute(chunk));
    socket.once('error', reject);
  });
}
