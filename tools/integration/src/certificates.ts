/** Authorities, and certificates of them, as an operator would make them with openssl. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of its own, and a certificate of it for this machine, for both sides of a connection. */
export function makeCertificates(directory: string, name: string): CertificateFiles {
  const file = (what: string): string => join(directory, `${name}-${what}.pem`);
  const [ca, caKey, certificate, key, request] = ['ca', 'ca-key', 'cert', 'key', 'request'].map(file);
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { stdio: 'ignore' });
  openssl(
    'req',
    '-x509',
    ...curve,
    '-days',
    '2',
    '-subj',
    `/CN=${name} authority`,
    '-keyout',
    caKey,
    '-out',
    ca,
  );
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  openssl('req', ...curve, '-subj', `/CN=${name}`, ...names, '-keyout', key, '-out', request);
  const signing = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-copy_extensions', 'copyall'];
  openssl('x509', '-req', '-days', '2', '-in', request, ...signing, '-out', certificate);
  return { ca, certificate, key };
}

/** The settings that every process of a cluster takes, and `kvctl`. */
export function tlsFlags({ ca, certificate, key }: CertificateFiles): string[] {
  return ['--cluster-ca', ca, '--cluster-cert', certificate, '--cluster-key', key];
}
