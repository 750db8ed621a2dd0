/**
 * Where the Redis protocol is served over TCP, and how that changes while the server runs (CONFIG SET port, bind). The
 * other protocols stay where they were when it was started.
 */
import { KvError } from '@holdfast/common';
import type { RedisExporter } from '@holdfast/protocol';
import type { Logger } from 'pino';
import { listenOn, parseHosts } from './hosts.js';

/** `bind` as Redis has it; a port of 0 is none. */
interface Place {
  readonly bind: string;
  readonly port: number;
}

export class RedisListening {
  readonly #exporter: RedisExporter;
  readonly #logger: Logger;
  #place: Place;

  constructor(exporter: RedisExporter, place: Place, logger: Logger) {
    this.#exporter = exporter;
    this.#place = place;
    this.#logger = logger;
  }

  /**
   * Listens elsewhere; who is connected stays so. What is listened to is closed first, as the places may overlap. Rejects
   * with KvError, in Redis' words, when it can't be, and listens again where it was.
   */
  async move(wanted: ReadonlyMap<string, string>): Promise<void> {
    const before = this.#place;
    const { bind = before.bind, port = String(before.port) } = Object.fromEntries(wanted);
    try {
      await this.#listen({ bind, port: Number(port) });
    } catch (err) {
      this.#logger.warn({ err, bind, port }, 'could not listen there');
      await this.#listen(before);
      const isAboutPort = wanted.has('port');
      throw new KvError('UNAVAILABLE', isAboutPort ? portProblem : bindProblem);
    }
  }

  async #listen(place: Place): Promise<void> {
    this.#exporter.stopListening();
    const hosts = parseHosts(place.bind);
    if (place.port > 0 && hosts.length > 0) {
      await listenOn(hosts, place.port, (port, host) => this.#exporter.listen(port, host));
    }
    this.#place = place;
  }
}

const portProblem = 'Unable to listen on this port. Check server logs.';
const bindProblem = 'Failed to bind to specified addresses.';
