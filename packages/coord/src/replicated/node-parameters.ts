/**
 * The parameters of a node's shards. What is set at one of them, all have, and those that are opened later: which of
 * them leads, and which is asked, is a matter of chance. It is not kept: the next start begins with the node's settings.
 */
import { Config, parameters } from '@holdfast/engine';
import { shardParameters } from '../cluster/parameter-places.js';

export class NodeParameters {
  /** By their names; what is not among them is as it is by default. */
  readonly #values: Map<string, string>;
  readonly #configs = new Set<Config>();
  /** A value goes round. */
  #isPassing = false;

  constructor(given: ReadonlyMap<string, string> = new Map()) {
    this.#values = new Map(given);
  }

  /** Of a shard that is opened. */
  open(): Config {
    const config = new Config(parameters);
    for (const [name, value] of this.#values) config.set(name, value);
    // Who may is decided where clients are: nodes do what gateways pass on.
    config.set('enable-debug-command', 'yes');
    config.onSet = (name, value) => this.#pass(config, name, value);
    this.#configs.add(config);
    return config;
  }

  close(config: Config): void {
    config.onSet = null;
    this.#configs.delete(config);
  }

  #pass(from: Config, name: string, value: string): void {
    if (this.#isPassing || !shardParameters.has(name)) return;
    this.#values.set(name, value);
    this.#isPassing = true;
    try {
      for (const config of this.#configs) if (config !== from) config.set(name, value);
    } finally {
      this.#isPassing = false;
    }
  }
}
