/**
 * Metrics and health over HTTP:
 *
 *     GET /metrics   Prometheus text
 *     GET /healthz   200 while the process runs
 *     GET /readyz    200 while it can do its work, 503 otherwise, with the reason
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';

/** Why the process can't do its work now; null while it can. */
export type Readiness = () => string | null;

export class StatusServer {
  /** For metrics beyond `gauge`. */
  readonly registry = new Registry();
  readonly #refusal: Readiness;
  readonly #server: Server;

  constructor(refusal: Readiness) {
    this.#refusal = refusal;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Adds a metric, `holdfast_<name>`, that is read when it is asked for. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `holdfast_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
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

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    switch ((request.url ?? '/').split('?', 1)[0]) {
      case '/metrics':
        void this.registry.metrics().then((text) => {
          response.writeHead(200, { 'content-type': this.registry.contentType }).end(text);
        });
        return;
      case '/healthz':
        answerText(response, 200, 'ok');
        return;
      case '/readyz': {
        const refusal = this.#refusal();
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
