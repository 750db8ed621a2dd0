/** The settings of the timestamp service. `--help` lists them. */
import { readFileSync } from 'node:fs';
import { KvError } from '@holdfast/common';
import type { TlsOptions, VersionPolicy } from '@holdfast/etcd';
import { commonRules, type SettingRules } from '@holdfast/service';

export interface Settings {
  readonly host: string;
  /** 0 picks a free port; -1, of the second, does not serve. */
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Where clients find this instance; empty for host and port. */
  readonly advertise: string;
  readonly etcd: {
    readonly endpoints: readonly string[];
    readonly prefix: string;
    readonly versionPolicy: VersionPolicy;
    readonly quotaBytes: number;
    readonly tls?: TlsOptions;
    readonly user?: { readonly name: string; readonly password: string };
  };
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
  etcd: {
    initial: '127.0.0.1:2379',
    help: 'members of etcd: host:port or https://host:port, with commas between',
  },
  'etcd-prefix': { initial: 'holdfast/', help: 'what the keys in etcd begin with' },
  'etcd-versions': {
    initial: 'warn',
    help: 'what to do about an etcd with known defects',
    words: ['warn', 'refuse'],
  },
  'etcd-quota': {
    initial: '2147483648',
    help: 'what --quota-backend-bytes of etcd is, for members before 3.6, which do not tell',
    least: 1,
  },
  'etcd-ca': { initial: '', help: "file with the certificates that etcd's is checked against" },
  'etcd-cert': { initial: '', help: 'file with the certificate that etcd is shown' },
  'etcd-key': { initial: '', help: 'file with the key of that certificate' },
  'etcd-user': { initial: '', help: 'user of etcd' },
  'etcd-password': { initial: '', help: 'password of that user; better as a variable than as a flag' },
  'hold-ms': {
    initial: '3000',
    help: 'how long an instance may lead after a renewal; a failover takes up to a quarter more',
    least: 100,
  },
  ...commonRules,
};

/** Throws KvError INVALID. */
export function settingsOf(setting: (name: string) => string): Settings {
  const user = setting('etcd-user');
  const tls = tlsOf(setting);
  return {
    host: setting('host'),
    grpcPort: Number(setting('grpc-port')),
    httpPort: Number(setting('http-port')),
    advertise: setting('advertise'),
    etcd: {
      endpoints: setting('etcd')
        .split(',')
        .map((endpoint) => endpoint.trim()),
      prefix: setting('etcd-prefix'),
      versionPolicy: setting('etcd-versions') as VersionPolicy,
      quotaBytes: Number(setting('etcd-quota')),
      ...(tls && { tls }),
      ...(user !== '' && { user: { name: user, password: setting('etcd-password') } }),
    },
    holdMs: Number(setting('hold-ms')),
  };
}

function tlsOf(setting: (name: string) => string): TlsOptions | undefined {
  const file = (name: string): Buffer | undefined => {
    const path = setting(name);
    if (path === '') return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      throw new KvError('INVALID', `${name}: ${(error as Error).message}`);
    }
  };
  const [ca, certificate, key] = [file('etcd-ca'), file('etcd-cert'), file('etcd-key')];
  if ((certificate === undefined) !== (key === undefined)) {
    throw new KvError('INVALID', 'etcd-cert and etcd-key belong together: give both or neither');
  }
  if (ca === undefined && certificate === undefined) return undefined;
  return { ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }) };
}
