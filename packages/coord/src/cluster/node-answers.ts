/**
 * Commands that are about nodes, with all replicas of each: every node that can be reached is asked once, by one of the
 * shards that it has a replica of. A client of Redis Cluster asks the node that it is connected to.
 */
import { ErrorReply, type Reply, type ReplyValue, type Request } from '@holdfast/common';
import type { Command } from '@holdfast/engine';
import type { Outcome } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { noReplica } from './errors.js';
import { Gathering } from './gathering.js';
import type { RoutedSession } from './routed-session.js';
import type { ShardRoute } from './shard-route.js';

export interface NodeAnswer {
  readonly node: string;
  readonly value: ReplyValue;
}

/** The ways to those that it is about: all that can be reached, or this one. */
export function nodesOf({ isNode, router }: ClusterCoordinator): ShardRoute[] {
  if (!isNode) return [...router.nodeRoutes()];
  const route = router.home === null ? null : router.nodeRoute(router.home);
  return route === null ? [] : [route];
}

/** `finish` writes the answer in its turn; there is one of each node, and one at least. */
export function askNodes(
  coordinator: ClusterCoordinator,
  session: RoutedSession,
  command: Command,
  request: Request,
  reply: Reply,
  finish: (answers: readonly NodeAnswer[], reply: Reply) => void,
): Outcome {
  const { forwarder } = coordinator;
  const routes = nodesOf(coordinator);
  const problem = routes.length === 0 ? noReplica : forwarder.problemOf(request);
  if (problem !== null) return coordinator.fail(session, reply, problem);
  const answer = coordinator.answerLater(session);
  const gathering = Gathering.ofValues((values) => {
    finish(
      values.map((value, i) => ({ node: routes[i].nodes[0], value })),
      answer.held,
    );
    session.replies.ready(answer);
  }, session.replies.counting(answer));
  for (const route of routes)
    forwarder.ask(session, session.staleLane(route), command, request, gathering.add());
  gathering.sent();
  return forwarder.outcome(session, false);
}

export function valuesOf(answers: readonly NodeAnswer[]): ReplyValue[] {
  return answers.map(({ value }) => value);
}

/** What is wrong, and where if not everywhere; null when nothing is. */
export function nodesError(answers: readonly NodeAnswer[]): ErrorReply | null {
  const failed = answers.filter(({ value }) => value instanceof ErrorReply);
  if (failed.length === 0) return null;
  const [{ node, value }] = failed;
  const error = value as ErrorReply;
  const isEverywhere = answers.every((each) => (each.value as ErrorReply | null)?.message === error.message);
  if (isEverywhere) return error;
  return new ErrorReply(`${error.code} node ${node}: ${error.message.slice(error.code.length + 1)}`);
}

/** Some shard has no replica that can be reached. At a node it is about its own alone. */
export function missesShard(coordinator: ClusterCoordinator): boolean {
  const reached = new Set(nodesOf(coordinator).map(({ nodes }) => nodes[0]));
  if (coordinator.isNode) return reached.size === 0;
  for (const { nodes } of coordinator.router.routes)
    if (!nodes.some((node) => reached.has(node))) return true;
  return false;
}
