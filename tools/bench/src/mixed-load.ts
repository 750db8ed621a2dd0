/**
 * GETs and SETs of random keys, mixed, over many connections without pipelining. Two ways to send them:
 *
 *     closed   each connection sends its next request when it has the reply to the last one: as much as both
 *              sides can do
 *     open     requests are due at a fixed rate, whatever the server does, and a latency counts from the moment
 *              the request was due, so that a stall is felt by all requests it delayed (no coordinated omission)
 */
import { connect, type Socket } from 'node:net';
import { build, type Histogram } from 'hdr-histogram-js';
import Parser from 'redis-parser';

export interface MixedLoad {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** Share of SETs; the others are GETs. */
  readonly writes: number;
}

/** In ms. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** How long to wait for what was sent and not answered. */
const patienceMs = 10_000;

/** Requests per second that both sides can do. */
export async function runClosedLoop(load: MixedLoad): Promise<number> {
  const value = 'x'.repeat(load.valueBytes);
  let answered = 0;
  let isOver = false;
  const sockets = await openAll(load, (socket) => {
    answered++;
    if (!isOver) socket.write(nextRequest(load, value));
  });
  const startMs = performance.now();
  for (const socket of sockets) socket.write(nextRequest(load, value));
  await new Promise((resolve) => setTimeout(resolve, load.seconds * 1000));
  const rate = (answered * 1000) / (performance.now() - startMs);
  isOver = true;
  for (const socket of sockets) socket.destroy();
  return rate;
}

/** Latencies at a rate. Throws when requests remain unanswered. */
export async function runOpenLoop(load: MixedLoad, requestsPerSecond: number): Promise<Latencies> {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
  /** When the requests on their way were due, oldest first. */
  const due = new Map<Socket, number[]>();
  const sockets = await openAll(load, (socket) => record(histogram, due.get(socket)!.shift()!));
  for (const socket of sockets) due.set(socket, []);
  await sendWhenDue(load, requestsPerSecond, (i, dueMs, request) => {
    const socket = sockets[i % sockets.length];
    due.get(socket)!.push(dueMs);
    socket.write(request);
  });
  const untilMs = performance.now() + patienceMs;
  const pending = (): number => [...due.values()].reduce((sum, { length }) => sum + length, 0);
  while (pending() > 0 && performance.now() < untilMs)
    await new Promise((resolve) => setTimeout(resolve, 10));
  for (const socket of sockets) socket.destroy();
  if (pending() > 0) throw new Error(`${pending()} requests were not answered`);
  const at = (percent: number): number => histogram.getValueAtPercentile(percent) / 1000;
  return { p50: at(50), p99: at(99), p999: at(99.9), max: histogram.maxValue / 1000 };
}

/** Calls `send` for every request of the load, at the moment it is due or as soon after it as can be. */
function sendWhenDue(
  load: MixedLoad,
  requestsPerSecond: number,
  send: (i: number, dueMs: number, request: string) => void,
): Promise<void> {
  const value = 'x'.repeat(load.valueBytes);
  const total = requestsPerSecond * load.seconds;
  const intervalMs = 1000 / requestsPerSecond;
  const startMs = performance.now() + 50;
  let sent = 0;
  return new Promise((resolve) => {
    const tick = (): void => {
      const nowMs = performance.now();
      for (; sent < total && startMs + sent * intervalMs <= nowMs; sent++) {
        send(sent, startMs + sent * intervalMs, nextRequest(load, value));
      }
      if (sent < total) setImmediate(tick);
      else resolve();
    };
    tick();
  });
}

function record(histogram: Histogram, dueMs: number): void {
  histogram.recordValue(Math.max(1, Math.round((performance.now() - dueMs) * 1000)));
}

function nextRequest(load: MixedLoad, value: string): string {
  const key = `key:${String(Math.floor(Math.random() * load.keys)).padStart(12, '0')}`;
  if (Math.random() >= load.writes) return `*2\r\n$3\r\nGET\r\n$16\r\n${key}\r\n`;
  return `*3\r\n$3\r\nSET\r\n$16\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;
}

function openAll(load: MixedLoad, onReply: (socket: Socket) => void): Promise<Socket[]> {
  return Promise.all(Array.from({ length: load.connections }, () => open(load.port, onReply)));
}

function open(port: number, onReply: (socket: Socket) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.setNoDelay(true);
    socket.once('error', reject);
    const parser = new Parser({
      returnReply: () => onReply(socket),
      returnError: (error) => socket.destroy(error),
    });
    socket.on('data', (chunk: Buffer) => parser.execute(chunk));
  });
}
