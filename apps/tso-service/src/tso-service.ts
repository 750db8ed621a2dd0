/** One instance of the timestamp service in this process: the mark in etcd, the oracle over it, its servers. */
import type { Env } from '@holdfast/common';
import { type Etcd, EtcdKeeper } from '@holdfast/etcd';
import { peerServerCredentials } from '@holdfast/rpc';
import { Closing, openEtcd, type RunningService, reportTo, StatusServer, watchTls } from '@holdfast/service';
import { LeaderOracle } from '@holdfast/tso';
import { EtcdMarkStore, TimestampServer } from '@holdfast/tso/remote';
import type { Logger } from 'pino';
import type { Settings } from './settings.js';

export class TsoService implements RunningService {
  readonly addresses: { readonly grpc: string; readonly http: string | null };
  readonly #oracle: LeaderOracle;
  readonly #closing: Closing;

  /** Throws KvError when etcd can't be used, or the system's error when an address is taken. */
  static async start(settings: Settings, env: Env, logger: Logger): Promise<TsoService> {
    const closing = new Closing();
    try {
      return await open(settings, env, logger, closing);
    } catch (error) {
      await closing.run();
      throw error;
    }
  }

  constructor(oracle: LeaderOracle, closing: Closing, addresses: TsoService['addresses']) {
    this.#oracle = oracle;
    this.#closing = closing;
    this.addresses = addresses;
  }

  get isLeading(): boolean {
    return this.#oracle.isLeading;
  }

  /** Hands over, so that another instance leads at once, and then lets clients go there. */
  close(): Promise<void> {
    return this.#closing.run();
  }
}

/** Opens the parts from the inside out; `closing` ends them in the opposite order, also where it fails. */
async function open(settings: Settings, env: Env, logger: Logger, closing: Closing): Promise<TsoService> {
  const onWarning = (message: string): void => logger.warn(message);
  const certificates = watchTls({ env, logger, files: [settings.peers, settings.etcd.tls] });
  closing.add(() => certificates.close());
  const etcd = await openEtcd(settings.etcd, env, onWarning);
  closing.add(() => etcd.close());
  const { prefix, quotaBytes } = settings.etcd;
  const keeper = new EtcdKeeper({ etcd, env, guardKey: `${prefix}compaction`, quotaBytes, onWarning });
  closing.add(() => keeper.close());
  const status = new StatusServer(() => refusalOf(oracle));
  closing.add(() => status.close());
  const server = new TimestampServer(peerServerCredentials(settings.peers));
  closing.add(() => server.close());
  const port = await server.listen(settings.grpcPort, settings.host);
  const grpc = at(settings.host, port);
  const oracle = leaderOracle(settings, env, logger, etcd, server, settings.advertise || grpc);
  closing.add(() => {
    status.sayEnding();
    return oracle.close();
  });
  describeMetrics(status, oracle, server);
  const { httpPort, host } = settings;
  const http = httpPort < 0 ? null : at(host, await status.listen(httpPort, host));
  return new TsoService(oracle, closing, { grpc, http });
}

function leaderOracle(
  { etcd: { prefix }, holdMs }: Settings,
  env: Env,
  logger: Logger,
  etcd: Etcd,
  server: TimestampServer,
  address: string,
): LeaderOracle {
  const oracle = new LeaderOracle({
    env,
    store: new EtcdMarkStore({ etcd, key: `${prefix}timestamps` }),
    address,
    holdMs,
    onChange: (isLeading) => {
      logger.info({ address }, isLeading ? 'leads' : 'leads no longer');
      server.setServing(isLeading);
    },
    onError: reportTo(logger, env, 'warn', 'the mark in etcd could not be read or written'),
  });
  server.setOracle(oracle);
  return oracle;
}

/** An instance that waits while another one leads does its work. */
function refusalOf(oracle: LeaderOracle): string | null {
  if (oracle.isInDoubt) return 'the mark in etcd could not be renewed: no timestamps are handed out';
  if (oracle.leader !== '') return null;
  return 'no instance is known to lead';
}

function describeMetrics(status: StatusServer, oracle: LeaderOracle, server: TimestampServer): void {
  status.gauge('tso_is_leading', '1 while this instance leads.', () => Number(oracle.isLeading));
  status.gauge('tso_last_timestamp', 'The last timestamp handed out here.', () => oracle.last);
  status.gauge('tso_streams', 'Clients that are connected.', () => server.counts.streams);
  status.counter('tso_requests_total', 'Requests answered or refused.', () => server.counts.requests);
  status.counter('tso_timestamps_total', 'Timestamps handed out.', () => server.counts.timestamps);
}

function at(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
