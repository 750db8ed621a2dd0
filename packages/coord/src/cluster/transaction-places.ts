/**
 * Where each command of a transaction is executed. What is of keys, and what is of all data where one shard has all of it,
 * at the shard of the transaction, at one moment. What is about the connection, the gateway, or figures of all servers, by
 * the gateway as ever, in its place among the replies. What several shards would have to do at one moment is refused.
 */
import type { Request } from '@holdfast/common';
import { type Command, ofAllShards, type Session } from '@holdfast/engine';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import { nodesOf } from './node-answers.js';
import { connectionParameters } from './parameter-places.js';
import { plans } from './plans.js';

/** `anywhere`: at the shard if there is one to be asked, otherwise at the gateway, which says the same. */
export const places = { shard: 0, anywhere: 1, gateway: 2 } as const;

function namesOf(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

const anywhere = namesOf('ping echo time select lolwut command unwatch');

/** Concern one shard, or any one, though they are no commands of a key. */
const ofOneShard = namesOf(
  `del unlink exists touch mget mset kv.mget publish wait waitaof script|exists function|list function|dump
   function|stats`,
);

/** Of all shards at one moment. */
const ofAllData: ReadonlySet<string> = new Set([
  ...ofAllShards,
  ...namesOf('script|flush function|load function|delete function|flush function|restore'),
]);

const neverPart = namesOf('subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe debug');

const connectionNames = [...connectionParameters].map((name) => name.toUpperCase());

/** One of `places`, or why the command can't be part of the transaction. */
export function placeOf(
  coordinator: ClusterCoordinator,
  session: Session,
  command: Command,
  request: Request,
): number | string {
  const { fullName } = command;
  const kind = coordinator.plans.kinds[command.id];
  if (neverPart.has(fullName)) return notPart(fullName);
  if (anywhere.has(fullName)) return places.anywhere;
  if (kind === plans.keyed || ofOneShard.has(fullName)) return places.shard;
  const isWhole = coordinator.router.shardCount === 1;
  if (ofAllData.has(fullName)) return isWhole ? places.shard : notAtOnce(fullName);
  if (fullName === 'script|load' && isWhole) return places.shard;
  if (fullName === 'config|set') return placeOfSetting(coordinator, request);
  if (fullName === 'hello' && changesDialect(session, request)) return notPart(fullName);
  return places.gateway;
}

/** Parameters of the nodes would be others before what comes first in the transaction, or after what comes last. */
function placeOfSetting(coordinator: ClusterCoordinator, request: Request): number | string {
  let isOwn = true;
  for (let i = 2; i < request.count; i += 2) isOwn &&= connectionNames.some((name) => request.is(i, name));
  if (isOwn) return places.gateway;
  const isWhole = coordinator.router.shardCount === 1 && nodesOf(coordinator).length === 1;
  return isWhole ? places.shard : notPart('config|set');
}

/** The shard would go on in the one before. */
function changesDialect(session: Session, request: Request): boolean {
  if (request.count < 2) return false;
  const dialect = request.integer(1);
  return (dialect === 2 || dialect === 3) && dialect !== session.dialect;
}

function notPart(fullName: string): string {
  return `ERR '${fullName}' can't be part of a transaction in a cluster`;
}

function notAtOnce(fullName: string): string {
  return `${notPart(fullName)}: it concerns all shards, which have no moment in common`;
}
