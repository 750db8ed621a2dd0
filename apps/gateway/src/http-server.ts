/**
 * Metrics and health over HTTP:
 *
 *     GET /metrics   Prometheus text
 *     GET /healthz   200 while the process serves
 *     GET /readyz    200 while it accepts writes, 503 otherwise, with the reason
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LocalStack } from '@holdfast/coord';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export class HttpServer {
  readonly #stack: LocalStack;
  readonly #registry = new Registry();
  readonly #servers: Server[] = [];

  constructor(stack: LocalStack) {
    this.#stack = stack;
    describeMetrics(this.#registry, stack);
  }

  /** Listens on one more address (port 0: any free one); resolves with the port. */
  listen(port: number, host: string): Promise<number> {
    const server = createServer((request, response) => this.#answer(request, response));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        this.#servers.push(server);
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  async close(): Promise<void> {
    const closing = this.#servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    );
    await Promise.all(closing);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    switch ((request.url ?? '/').split('?', 1)[0]) {
      case '/metrics':
        void this.#registry.metrics().then((text) => {
          response.writeHead(200, { 'content-type': this.#registry.contentType }).end(text);
        });
        return;
      case '/healthz':
        answerText(response, 200, 'ok');
        return;
      case '/readyz': {
        const { refusal } = this.#stack.coordinator;
        answerText(response, refusal === null ? 200 : 503, refusal ?? 'ok');
        return;
      }
      default:
        answerText(response, 404, '/metrics, /healthz or /readyz');
    }
  }
}

function answerText(response: ServerResponse, status: number, line: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${line}\n`);
}

function describeMetrics(registry: Registry, { kv, storage, coordinator, log }: LocalStack): void {
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({ name: `holdfast_${name}`, help, registers: [registry], collect: collectInto(read) });
  };
  gauge('clients', 'Clients that are connected, by any protocol.', () => coordinator.sessionCount);
  gauge('commands_total', 'Commands run.', () => kv.registry.totalCalls());
  gauge('keyspace_hits_total', 'Reads that found their key.', () => kv.stats.hits);
  gauge('keyspace_misses_total', 'Reads that found no key.', () => kv.stats.misses);
  gauge('expired_keys_total', 'Keys removed because their time was over.', () => kv.stats.expired);
  gauge('data_bytes', 'Bytes taken by keys, values and indexes.', () => storage.usedBytes);
  gauge('log_bytes', 'Bytes of the log that were not trimmed.', () => log?.bytes ?? 0);
  new Gauge({
    name: 'holdfast_keys',
    help: 'Keys, by database.',
    labelNames: ['database'],
    registers: [registry],
    collect() {
      for (let index = 0; index < 16; index++) {
        const count = storage.keyCount(index);
        if (count > 0 || index === 0) this.set({ database: String(index) }, count);
        else this.remove(String(index));
      }
    },
  });
}

function collectInto(read: () => number): (this: Gauge) => void {
  return function collect(this: Gauge) {
    this.set(read());
  };
}
