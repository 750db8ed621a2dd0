/**
 * Metrics and health over HTTP:
 *
 *     GET /metrics   Prometheus text
 *     GET /healthz   200 while the process serves
 *     GET /readyz    200 while it accepts writes, 503 otherwise, with the reason
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Backend } from './backend.js';

export class HttpServer {
  readonly #backend: Backend;
  readonly #registry = new Registry();
  readonly #servers: Server[] = [];

  constructor(backend: Backend) {
    this.#backend = backend;
    collectDefaultMetrics({ register: this.#registry });
    backend.describeMetrics(this.#registry);
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
        const refusal = this.#backend.refusal();
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
