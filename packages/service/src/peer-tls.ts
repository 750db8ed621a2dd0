/** The settings of TLS between the processes of a cluster: the same in all of them. */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { KvError } from '@holdfast/common';
import type { PeerTls } from '@holdfast/rpc';
import type { SettingRules } from './settings.js';

export type { PeerTls };

export const peerTlsRules = {
  'cluster-ca': {
    initial: '',
    help: "file with the certificates that those of the cluster's other processes are checked against",
  },
  'cluster-cert': { initial: '', help: 'file with the certificate that they are shown: TLS, both ways' },
  'cluster-key': { initial: '', help: 'file with the key of that certificate' },
} as const satisfies SettingRules;

/** Undefined when none is given. Throws KvError INVALID when one is missing, or is none. */
export function peerTlsOf(setting: (name: keyof typeof peerTlsRules) => string): PeerTls | undefined {
  const names = ['cluster-ca', 'cluster-cert', 'cluster-key'] as const;
  const missing = names.filter((name) => setting(name) === '');
  if (missing.length === names.length) return undefined;
  if (missing.length > 0)
    throw new KvError('INVALID', `${names.join(', ')} belong together: ${missing.join(', ')} is missing`);
  const [ca, certificate, key] = names.map((name) => contentOf(name, setting(name)));
  check('cluster-ca', { ca });
  check('cluster-cert', { cert: certificate });
  check('cluster-key', { cert: certificate, key });
  return { ca, certificate, key };
}

function contentOf(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new KvError('INVALID', `${name}: ${(error as Error).message}`);
  }
}

function check(name: string, options: Parameters<typeof createSecureContext>[0]): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw new KvError('INVALID', `${name} can't be used: ${(error as Error).message}`);
  }
}
