/**
 * Metrics and health over HTTP:
 *
 *     GET /metrics   Prometheus text
 *     GET /healthz   200 while the process serves
 *     GET /readyz    200 while it accepts writes, 503 otherwise, with the reason
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LocalStack } from '@holdfast/coord';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export class HttpServer {
  readonly #server: Server;
  readonly #registry = new Registry();

  constructor(stack: LocalStack) {
    describeMetrics(this.#registry, stack);
    this.#server = createServer((request, response) => {
      const path = (request.url ?? '/').split('?', 1)[0];
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.writeHead(405, { allow: 'GET, HEAD' }).end();
      } else if (path === '/metrics') {
        void this.#registry.metrics().then((text) => {
          response.writeHead(200, { 'content-type': this.#registry.contentType }).end(text);
        });
      } else if (path === '/healthz') {
        response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
      } else if (path === '/readyz') {
        const refusal = stack.coordinator.refusal;
        response.writeHead(refusal === null ? 200 : 503, { 'content-type': 'text/plain' });
        response.end(refusal === null ? 'ok\n' : `${refusal}\n`);
      } else {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('/metrics, /healthz or /readyz\n');
      }
    });
  }

  /** Resolves with the port. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
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
