/**
 * Metrics and health over HTTP:
 *
 *     GET /metrics   Prometheus text
 *     GET /healthz   200 while the process runs
 *     GET /readyz    200 while it can do its work, 503 otherwise, with the reason
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Why the process can't do its work now; null while it can. */
export type Readiness = () => string | null;

export class StatusServer {
  /** For metrics beyond `gauge` and `counter`. */
  readonly registry = new Registry();
  readonly #refusal: Readiness;
  readonly #servers: Server[] = [];
  #isEnding = false;
  #isCollecting = false;

  constructor(refusal: Readiness) {
    this.#refusal = refusal;
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

  /** As `gauge`, of what only rises while the process runs; the name ends in `_total`. */
  counter(name: string, help: string, read: () => number): void {
    new Counter({
      name: `holdfast_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
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

  /** The process is about to end: from now on it is not ready, for whoever asks until it has ended. */
  sayEnding(): void {
    this.#isEnding = true;
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

  /**
   * The process's own metrics, from the first time that they are asked for: they look at every collection of garbage, and at
   * the clock a hundred times a second, which is most of what an idle process does.
   */
  #collect(): void {
    if (!this.#isCollecting) collectDefaultMetrics({ register: this.registry });
    this.#isCollecting = true;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    switch ((request.url ?? '/').split('?', 1)[0]) {
      case '/metrics':
        this.#collect();
        this.registry.metrics().then(
          (text) => response.writeHead(200, { 'content-type': this.registry.contentType }).end(text),
          // What can't be told now is no reason to end.
          (error: unknown) => answerText(response, 500, `metrics could not be read: ${String(error)}`),
        );
        return;
      case '/healthz':
        answerText(response, 200, 'ok');
        return;
      case '/readyz': {
        const refusal = this.#isEnding ? 'the process is ending' : this.#refusal();
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
