/** Passes over the keys of all shards, one shard after the other: see `scan-cursor.ts`. */
import { ErrorReply, parseBigInteger, type ReplyValue, Request } from '@holdfast/common';
import type { Command } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { Gathering } from './gathering.js';
import type { Handler, Handlers } from './plans.js';
import type { RoutedSession } from './routed-session.js';
import { closeCursor, openCursor, type ShardCursor } from './scan-cursor.js';
import { writeValue } from './write-value.js';

export class ScanCommands {
  readonly handlers: Handlers = {
    scan: this.#handler((cursor) => Buffer.from(String(cursor))),
    'kv.scan': this.#handler(asNumber),
    'kv.delrange': this.#handler(asNumber),
  };
  readonly #coordinator: ClusterCoordinator;

  constructor(coordinator: ClusterCoordinator) {
    this.#coordinator = coordinator;
  }

  /** `form`: the cursor as the command replies it. */
  #handler(form: (cursor: bigint) => ReplyValue): Handler {
    return (session, command, request, reply) => {
      const coordinator = this.#coordinator;
      const { router, routing } = coordinator;
      const cursor =
        request.length(1) === 0 ? 0n : parseBigInteger(request.bytes, request.start(1), request.length(1));
      const routes = [...router.routes];
      const asked = cursor === null || cursor < 0n ? null : openCursor(cursor);
      // What is no cursor of ours is refused, or found to be at its end, by any shard.
      if (asked === null || asked.place >= routes.length || (routes.length === 1 && !coordinator.isNode)) {
        return coordinator.forwardKeyed(session, command, request, reply);
      }
      const place = routes.findIndex((route, i) => i >= asked.place && routing.isLedHere(route));
      if (place < 0) return coordinator.own(session, request, reply);
      const at = place === asked.place ? asked : { place, inside: 0n };
      return this.#scan(session, command, request, at, form);
    };
  }

  #scan(
    session: RoutedSession,
    command: Command,
    request: Request,
    { place, inside }: ShardCursor,
    form: (cursor: bigint) => ReplyValue,
  ): Outcome {
    const coordinator = this.#coordinator;
    const { forwarder, router } = coordinator;
    const answer = coordinator.answerLater(session);
    const gathering = Gathering.ofValues(([value], version) => {
      session.keyVersion = version;
      if (value instanceof ErrorReply) answer.held.error(value.message);
      else {
        const [next, page] = value as [ReplyValue, ReplyValue];
        writeValue(answer.held, [form(this.#after(place, BigInt(String(next)))), page]);
      }
      session.replies.ready(answer);
    }, session.replies.counting(answer));
    const route = [...router.routes][place];
    const asked = new Request().assign([command.name, String(inside), ...request.views(2)]);
    const lane = forwarder.lane(session, route, command);
    forwarder.ask(session, lane, command, asked, gathering.add(), session.permissions);
    gathering.sent();
    return forwarder.outcome(session, false);
  }

  /** Where a scan goes on that has come to `inside` in a shard. */
  #after(place: number, inside: bigint): bigint {
    if (inside !== 0n) return closeCursor({ place, inside });
    const { router, routing } = this.#coordinator;
    const next = [...router.routes].findIndex((route, i) => i > place && routing.isLedHere(route));
    return next < 0 ? 0n : closeCursor({ place: next, inside: 0n });
  }
}

function asNumber(cursor: bigint): ReplyValue {
  const n = Number(cursor);
  return Number.isSafeInteger(n) ? n : cursor;
}
