/** One instance of the timestamp service in this process: the mark in etcd, the oracle over it, its servers. */
import type { Env } from '@holdfast/common';
import { type Etcd, EtcdKeeper } from '@holdfast/etcd';
import { peerServerCredentials } from '@holdfast/rpc';
import { openEtcd, type RunningService, StatusServer } from '@holdfast/service';
import { LeaderOracle } from '@holdfast/tso';
import { EtcdMarkStore, TimestampServer } from '@holdfast/tso/remote';
import type { Logger } from 'pino';
import { collectDefaultMetrics } from 'prom-client';
import type { Settings } from './settings.js';

export class TsoService implements RunningService {
  readonly addresses: { readonly grpc: string; readonly http: string | null };
  readonly #etcd: Etcd;
  readonly #keeper: EtcdKeeper;
  readonly #oracle: LeaderOracle;
  readonly #server: TimestampServer;
  readonly #status: StatusServer;

  /** Throws KvError when etcd can't be used, or the system's error when an address is taken. */
  static async start(settings: Settings, env: Env, logger: Logger): Promise<TsoService> {
    const onWarning = (message: string): void => logger.warn(message);
    const etcd = await openEtcd(settings.etcd, env, onWarning);
    const server = new TimestampServer(peerServerCredentials(settings.peers));
    try {
      const port = await server.listen(settings.grpcPort, settings.host);
      const grpc = at(settings.host, port);
      const oracle = leaderOracle(settings, env, logger, etcd, server, settings.advertise || grpc);
      const status = new StatusServer(() => refusalOf(oracle));
      describeMetrics(status, oracle, server);
      const { httpPort, host } = settings;
      const http = httpPort < 0 ? null : at(host, await status.listen(httpPort, host));
      const { prefix, quotaBytes } = settings.etcd;
      const keeper = new EtcdKeeper({ etcd, env, guardKey: `${prefix}compaction`, quotaBytes, onWarning });
      return new TsoService(etcd, keeper, oracle, server, status, { grpc, http });
    } catch (error) {
      server.close();
      etcd.close();
      throw error;
    }
  }

  private constructor(
    etcd: Etcd,
    keeper: EtcdKeeper,
    oracle: LeaderOracle,
    server: TimestampServer,
    status: StatusServer,
    addresses: TsoService['addresses'],
  ) {
    this.#etcd = etcd;
    this.#keeper = keeper;
    this.#oracle = oracle;
    this.#server = server;
    this.#status = status;
    this.addresses = addresses;
  }

  get isLeading(): boolean {
    return this.#oracle.isLeading;
  }

  /** Hands over, so that another instance leads at once, and then lets clients go there. */
  async close(): Promise<void> {
    await this.#oracle.close();
    this.#server.close();
    await this.#status.close();
    await this.#keeper.close();
    this.#etcd.close();
  }
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
    onError: (error) => logger.warn({ err: error }, 'the mark in etcd could not be read or written'),
  });
  server.setOracle(oracle);
  return oracle;
}

/** An instance that waits while another one leads does its work. */
function refusalOf(oracle: LeaderOracle): string | null {
  if (oracle.isLeading || oracle.leader !== '') return null;
  return 'no instance is known to lead';
}

function describeMetrics(status: StatusServer, oracle: LeaderOracle, server: TimestampServer): void {
  collectDefaultMetrics({ register: status.registry });
  status.gauge('tso_is_leading', '1 while this instance leads.', () => Number(oracle.isLeading));
  status.gauge('tso_last_timestamp', 'The last timestamp handed out here.', () => oracle.last);
  status.gauge('tso_streams', 'Clients that are connected.', () => server.counts.streams);
  status.gauge('tso_requests_total', 'Requests answered or refused.', () => server.counts.requests);
  status.gauge('tso_timestamps_total', 'Timestamps handed out.', () => server.counts.timestamps);
}

function at(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
