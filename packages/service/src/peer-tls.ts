/** The settings of TLS between the processes of a cluster: the same in all of them. */
import { KvError } from '@holdfast/common';
import type { TlsMaterial } from '@holdfast/rpc';
import type { SettingRules } from './settings.js';
import { checkTls, contentOf, TlsFiles } from './tls-files.js';

export type PeerTlsFiles = TlsFiles<Required<TlsMaterial>>;

export const peerTlsRules = {
  'cluster-ca': {
    initial: '',
    help: "file with the certificates that those of the cluster's other processes are checked against",
  },
  'cluster-cert': { initial: '', help: 'file with the certificate that they are shown: TLS, both ways' },
  'cluster-key': { initial: '', help: 'file with the key of that certificate' },
} as const satisfies SettingRules;

/** Undefined when none is given. Throws KvError INVALID when one is missing, or is none. */
export function peerTlsOf(setting: (name: keyof typeof peerTlsRules) => string): PeerTlsFiles | undefined {
  const names = ['cluster-ca', 'cluster-cert', 'cluster-key'] as const;
  const missing = names.filter((name) => setting(name) === '');
  if (missing.length === names.length) return undefined;
  if (missing.length > 0)
    throw new KvError('INVALID', `${names.join(', ')} belong together: ${missing.join(', ')} is missing`);
  return new TlsFiles(() => {
    const [ca, certificate, key] = names.map((name) => contentOf(name, setting(name)));
    checkTls('cluster-ca', { ca });
    checkTls('cluster-cert', { cert: certificate });
    checkTls('cluster-key', { cert: certificate, key });
    return { ca, certificate, key };
  });
}
