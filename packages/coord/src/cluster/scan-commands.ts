/**
 * Passes over the keys of all shards, one shard after the other. The cursor names the shard by its place:
 *
 *     cursor   place of the shard * 2^32 + cursor within the shard
 */
import { ErrorReply, type ReplyValue, Request } from '@holdfast/common';
import type { Command } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { Gathering } from './gathering.js';
import type { Handler, Handlers } from './plans.js';
import type { RoutedSession } from './routed-session.js';
import { writeValue } from './write-value.js';

const cursorsOfShard = 2 ** 32;

export class ScanCommands {
  readonly handlers: Handlers = {
    scan: this.#handler((cursor) => Buffer.from(String(cursor))),
    'kv.scan': this.#handler((cursor) => cursor),
    'kv.delrange': this.#handler((cursor) => cursor),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  /** `form`: the cursor as the command replies it. */
  #handler(form: (cursor: number) => ReplyValue): Handler {
    return (session, command, request, reply) => {
      const coordinator = this.#coordinator;
      const { router, routing } = coordinator;
      const cursor = request.integer(1);
      const routes = [...router.routes];
      const asked = Math.floor(cursor / cursorsOfShard);
      const isCursor = cursor >= 0 && asked < routes.length;
      // What is no cursor of ours is refused, or found to be at its end, by any shard.
      if (!isCursor || (routes.length === 1 && !coordinator.isNode)) {
        return coordinator.forwardKeyed(session, command, request, reply);
      }
      const place = routes.findIndex((route, i) => i >= asked && routing.isLedHere(route));
      if (place < 0) return coordinator.own(session, request, reply);
      const inside = place === asked ? cursor % cursorsOfShard : 0;
      return this.#scan(session, command, request, place, inside, form);
    };
  }

  #scan(
    session: RoutedSession,
    command: Command,
    request: Request,
    place: number,
    cursor: number,
    form: (cursor: number) => ReplyValue,
  ): Outcome {
    const coordinator = this.#coordinator;
    const { forwarder, router } = coordinator;
    const answer = coordinator.answerLater(session);
    const gathering = Gathering.ofValues(([value], version) => {
      session.keyVersion = version;
      if (value instanceof ErrorReply) answer.held.error(value.message);
      else {
        const [next, page] = value as [ReplyValue, ReplyValue];
        writeValue(answer.held, [form(this.#after(place, Number(next))), page]);
      }
      session.replies.ready(answer);
    });
    const route = [...router.routes][place];
    const asked = new Request().assign([command.name, String(cursor), ...request.views(2)]);
    forwarder.ask(session, forwarder.lane(session, route, command), command, asked, gathering.add());
    gathering.sent();
    return forwarder.outcome(session, false);
  }

  /** Where a scan goes on that has come to `cursor` in a shard. */
  #after(place: number, cursor: number): number {
    if (cursor !== 0) return place * cursorsOfShard + cursor;
    const { router, routing } = this.#coordinator;
    const next = [...router.routes].findIndex((route, i) => i > place && routing.isLedHere(route));
    return next < 0 ? 0 : next * cursorsOfShard;
  }
}
