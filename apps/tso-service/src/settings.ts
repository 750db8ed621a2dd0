/** The settings of the timestamp service. `--help` lists them. */
import {
  commonRules,
  type EtcdSettings,
  etcdRules,
  etcdSettingsOf,
  type PeerTlsFiles,
  peerTlsOf,
  peerTlsRules,
  type SettingRules,
} from '@holdfast/service';

export interface Settings {
  readonly host: string;
  /** 0 picks a free port; -1, of the second, does not serve. */
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Where clients find this instance; empty for host and port. */
  readonly advertise: string;
  readonly etcd: EtcdSettings;
  /** Between the processes of the cluster. */
  readonly peers: PeerTlsFiles | undefined;
  readonly holdMs: number;
}

export const rules: SettingRules = {
  host: { initial: '127.0.0.1', help: 'address to listen on' },
  'grpc-port': { initial: '7380', help: 'timestamps; 0 picks a free port', isPort: true },
  'http-port': { initial: '8380', help: 'metrics and health; -1 is off', isPort: true },
  advertise: {
    initial: '',
    help: 'host:port that clients and other instances are told; host and port if empty',
  },
  ...etcdRules,
  ...peerTlsRules,
  'hold-ms': {
    initial: '3000',
    help: 'how long an instance may lead after a renewal; a failover takes up to a quarter more',
    least: 100,
  },
  ...commonRules,
};

/** Throws KvError INVALID. */
export function settingsOf(setting: (name: string) => string): Settings {
  return {
    host: setting('host'),
    grpcPort: Number(setting('grpc-port')),
    httpPort: Number(setting('http-port')),
    advertise: setting('advertise'),
    etcd: etcdSettingsOf(setting),
    peers: peerTlsOf(setting),
    holdMs: Number(setting('hold-ms')),
  };
}
