/**
 * What a gateway does with a command: derived from its keys, and for those without keys from what they are about.
 *
 *     keyed        to the shard of its keys, as it came
 *     own          answered by the gateway itself: what is about the connection, the clients, the gateway
 *     special      by a handler: split over shards, asked of all shards, ...
 */
import type { Reply, Request } from '@holdfast/common';
import type { Command, Registry } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { RoutedSession } from './routed-session.js';

export const plans = { own: 0, keyed: 1, special: 2 } as const;

export type Handler = (session: RoutedSession, command: Command, request: Request, reply: Reply) => Outcome;

/** By the full names of commands, as errors have them. */
export type Handlers = Readonly<Record<string, Handler>>;

export class Plans {
  /** One of `plans` by the ids of commands. */
  readonly kinds: Uint8Array;
  /** By the ids of commands. */
  readonly handlers: (Handler | undefined)[] = [];

  constructor(registry: Registry, groups: readonly Handlers[]) {
    const handlers = new Map(groups.flatMap((group) => Object.entries(group)));
    const commands = registry.commands.flatMap((command) => [command, ...command.subcommands.values()]);
    this.kinds = new Uint8Array(Math.max(...commands.map(({ id }) => id)) + 1);
    const unused = new Set(handlers.keys());
    for (const command of commands) {
      const handler = handlers.get(command.fullName);
      unused.delete(command.fullName);
      if (handler !== undefined) {
        this.kinds[command.id] = plans.special;
        this.handlers[command.id] = handler;
      } else if (command.keySpecs.length > 0) this.kinds[command.id] = plans.keyed;
    }
    if (unused.size > 0) throw new Error(`there are no commands ${[...unused].join(', ')}`);
  }
}
