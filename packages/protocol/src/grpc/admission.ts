/** Who calls, and which database: from a call's metadata and its request. */
import type { Metadata } from '@grpc/grpc-js';
import { KvError } from '@holdfast/common';
import { Caller, type Coordinator, type Credentials, type SessionOptions, type Turns } from '@holdfast/coord';
import type { Settings } from '../settings.js';
import { setFreshness } from './freshness.js';

/** Null when the call has none. Throws for what is neither Bearer nor Basic. */
export function credentialsOf(metadata: Metadata): Credentials | null {
  const [header] = metadata.get('authorization');
  if (header === undefined) return null;
  const [scheme, token = ''] = String(header).split(' ');
  if (/^bearer$/i.test(scheme)) return { user: 'default', password: token };
  const pair = Buffer.from(token, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (!/^basic$/i.test(scheme) || colon < 0) {
    throw new KvError('COMMAND', 'WRONGPASS authorization must be Bearer or Basic', { reply: 'WRONGPASS' });
  }
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/** The database that the metadata names; 0 when it names none. */
export function databaseOf(metadata: Metadata, config: Settings): number {
  const [text] = metadata.get('database');
  if (text === undefined) return 0;
  return checkedDatabase(/^\d{1,9}$/.test(String(text)) ? Number(text) : -1, config);
}

export function checkedDatabase(database: number, config: Settings): number {
  if (database >= 0 && database < config.number('databases')) return database;
  throw new KvError('INVALID', 'there is no database of that number');
}

export interface AdmissionContext {
  readonly coordinator: Coordinator;
  readonly turns: Turns;
  readonly config: Settings;
}

/** What a request says of itself. */
export interface Chosen {
  readonly database?: number | undefined;
  /** A `kv.Freshness`. */
  readonly freshness?: number | undefined;
}

/** A caller for one call. Throws KvError when it is not let in. */
export function admit({ coordinator, turns }: AdmissionContext, metadata: Metadata, peer: string): Caller {
  return letIn(peer, credentialsOf(metadata), (options) => Caller.open(coordinator, turns, options));
}

/** What the request, or else the metadata of its call, say of how it is to be run. Throws KvError. */
export function choose(
  { session }: Caller,
  { config }: AdmissionContext,
  metadata: Metadata,
  { database, freshness = 0 }: Chosen,
): void {
  session.database =
    database === undefined ? databaseOf(metadata, config) : checkedDatabase(database, config);
  setFreshness(session, freshness);
}

/**
 * What `open` makes for a client of this address. Throws KvError when it is not let in: LIMIT, DENIED, or COMMAND
 * with NOAUTH or WRONGPASS.
 */
export function letIn<T>(
  peer: string,
  credentials: Credentials | null,
  open: (options: SessionOptions) => T | null,
): T {
  const refusals: KvError[] = [];
  const onRefused = (refusal: KvError): number => refusals.push(refusal);
  const opened = open({ protocol: 'grpc', address: peer, localAddress: '', credentials, onRefused });
  if (opened === null) throw refusals[0];
  return opened;
}
