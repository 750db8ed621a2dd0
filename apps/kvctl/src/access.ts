/** How to get at the cluster: the options that every command has, as flags or as the variables that servers know. */
import { parseEndpoint } from '@holdfast/etcd';
import type { PeerTls, TlsSource } from '@holdfast/rpc';
import { etcdTlsOf, peerTlsOf } from '@holdfast/service';
import { Option } from 'commander';
import { listOf } from './arguments.js';
import { UsageError } from './exit-codes.js';

export interface Access {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly tls: TlsSource | undefined;
  /** Of the processes of the cluster. */
  readonly peers: PeerTls | undefined;
  readonly user: { readonly name: string; readonly password: string } | undefined;
}

/** As commander hands them over. */
export interface AccessOptions {
  readonly etcd: string;
  readonly etcdPrefix: string;
  readonly etcdCa?: string;
  readonly etcdCert?: string;
  readonly etcdKey?: string;
  readonly etcdUser?: string;
  readonly etcdPassword?: string;
  readonly clusterCa?: string;
  readonly clusterCert?: string;
  readonly clusterKey?: string;
  readonly timeout: number;
  readonly json?: boolean;
}

export function accessOptions(timeoutMs: number, parseMs: (text: string) => number): Option[] {
  return [
    new Option('--etcd <endpoints>', 'members of etcd: host:port or https://host:port, with commas between')
      .default('127.0.0.1:2379')
      .env('HOLDFAST_ETCD'),
    new Option('--etcd-prefix <prefix>', 'what the keys in etcd begin with')
      .default('holdfast/')
      .env('HOLDFAST_ETCD_PREFIX'),
    new Option('--etcd-ca <file>', "certificates that etcd's is checked against").env('HOLDFAST_ETCD_CA'),
    new Option('--etcd-cert <file>', 'certificate that etcd is shown').env('HOLDFAST_ETCD_CERT'),
    new Option('--etcd-key <file>', 'key of that certificate').env('HOLDFAST_ETCD_KEY'),
    new Option('--etcd-user <name>', 'user of etcd').env('HOLDFAST_ETCD_USER'),
    new Option(
      '--etcd-password <password>',
      'password of that user; better as the variable than as a flag',
    ).env('HOLDFAST_ETCD_PASSWORD'),
    new Option(
      '--cluster-ca <file>',
      "certificates that those of the cluster's processes are checked against: TLS, both ways",
    ).env('HOLDFAST_CLUSTER_CA'),
    new Option('--cluster-cert <file>', 'certificate that they are shown').env('HOLDFAST_CLUSTER_CERT'),
    new Option('--cluster-key <file>', 'key of that certificate').env('HOLDFAST_CLUSTER_KEY'),
    new Option('--timeout <ms>', 'how long one answer is waited for, in ms')
      .default(timeoutMs)
      .argParser(parseMs),
    new Option('--json', 'for programs: one JSON value instead of tables'),
  ];
}

/** Throws KvError INVALID. */
export function accessOf(options: AccessOptions): Access {
  const { etcdUser: name, etcdPassword: password = '' } = options;
  return {
    endpoints: etcdMembersOf(options),
    prefix: options.etcdPrefix,
    timeoutMs: options.timeout,
    tls: tlsOf(options),
    peers: peersOf(options),
    user: name === undefined ? undefined : { name, password },
  };
}

/** Throws KvError INVALID. */
export function peersOf({ clusterCa, clusterCert, clusterKey }: AccessOptions): PeerTls | undefined {
  const files = { 'cluster-ca': clusterCa, 'cluster-cert': clusterCert, 'cluster-key': clusterKey };
  return peerTlsOf((name) => files[name] ?? '');
}

/** Throws UsageError. */
export function etcdMembersOf({ etcd }: AccessOptions): string[] {
  const members = listOf(etcd);
  if (members.length === 0) throw new UsageError('--etcd must name members of etcd');
  try {
    members.forEach(parseEndpoint);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return members;
}

function tlsOf({ etcdCa, etcdCert, etcdKey }: AccessOptions): TlsSource | undefined {
  const files = { 'etcd-ca': etcdCa, 'etcd-cert': etcdCert, 'etcd-key': etcdKey };
  return etcdTlsOf((name) => files[name] ?? '');
}
