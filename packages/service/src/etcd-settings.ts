/** The settings of a process that uses etcd, and the client that they lead to. */
import { type Env, KvError, pause } from '@holdfast/common';
import { Etcd, type VersionPolicy } from '@holdfast/etcd';
import type { TlsMaterial } from '@holdfast/rpc';
import type { SettingRules } from './settings.js';
import { checkTls, contentOf, TlsFiles } from './tls-files.js';

/** How long the start of a process waits for etcd, and between two attempts, in ms. */
const patienceMs = 30_000;
const retryPauseMs = 500;

export interface EtcdSettings {
  readonly endpoints: readonly string[];
  /** What all keys of the cluster begin with; ends in `/`. */
  readonly prefix: string;
  readonly versionPolicy: VersionPolicy;
  readonly quotaBytes: number;
  readonly tls?: TlsFiles<TlsMaterial>;
  readonly user?: { readonly name: string; readonly password: string };
}

export const etcdRules = {
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
} as const satisfies SettingRules;

/** Throws KvError INVALID. */
export function etcdSettingsOf(setting: (name: string) => string): EtcdSettings {
  const user = setting('etcd-user');
  const tls = etcdTlsOf(setting);
  const prefix = setting('etcd-prefix');
  if (!prefix.endsWith('/')) throw new KvError('INVALID', `etcd-prefix is '${prefix}': it must end in '/'`);
  return {
    endpoints: setting('etcd')
      .split(',')
      .map((endpoint) => endpoint.trim()),
    prefix,
    versionPolicy: setting('etcd-versions') as VersionPolicy,
    quotaBytes: Number(setting('etcd-quota')),
    ...(tls && { tls }),
    ...(user !== '' && { user: { name: user, password: setting('etcd-password') } }),
  };
}

/**
 * Connects. Waits for an etcd that does not answer yet, since processes of a cluster start in any order. Throws
 * KvError UNAVAILABLE when it still does not after `patienceMs`, INVALID.
 */
export async function openEtcd(
  { endpoints, versionPolicy, tls, user }: EtcdSettings,
  env: Env,
  onWarning: (message: string) => void,
): Promise<Etcd> {
  const options = { env, onWarning, endpoints, versionPolicy, ...(tls && { tls }), ...(user && { user }) };
  const beganMs = env.clock.monotonic();
  for (;;) {
    try {
      return await Etcd.open(options);
    } catch (error) {
      const waitedMs = env.clock.monotonic() - beganMs;
      const isAbsent = error instanceof KvError && error.code === 'UNAVAILABLE';
      if (!isAbsent || waitedMs >= patienceMs) throw error;
      onWarning(`waits for etcd: ${error.message}`);
      await pause(env.timers, retryPauseMs);
    }
  }
}

/** Undefined when no file is given. Throws KvError INVALID. */
export function etcdTlsOf(
  setting: (name: 'etcd-ca' | 'etcd-cert' | 'etcd-key') => string,
): TlsFiles<TlsMaterial> | undefined {
  const [hasCa, hasCertificate, hasKey] = (['etcd-ca', 'etcd-cert', 'etcd-key'] as const).map(
    (name) => setting(name) !== '',
  );
  if (hasCertificate !== hasKey) {
    throw new KvError('INVALID', 'etcd-cert and etcd-key belong together: give both or neither');
  }
  if (!hasCa && !hasCertificate) return undefined;
  const content = (name: 'etcd-ca' | 'etcd-cert' | 'etcd-key'): Buffer => contentOf(name, setting(name));
  return new TlsFiles(() => {
    const ca = hasCa ? content('etcd-ca') : null;
    const certificate = hasCertificate ? content('etcd-cert') : null;
    const key = hasKey ? content('etcd-key') : null;
    if (ca !== null) checkTls('etcd-ca', { ca });
    if (certificate !== null) checkTls('etcd-cert', { cert: certificate });
    if (certificate !== null && key !== null) checkTls('etcd-key', { cert: certificate, key });
    return { ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }) };
  });
}
