/** A cluster whose processes know each other by certificates: everything works, and nobody else gets in. */
import { copyFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { KvError, systemEnv } from '@holdfast/common';
import { kvctl } from '@holdfast/kvctl/testing';
import { AdminExporter } from '@holdfast/protocol';
import { AdminClient, admin, peerCredentials, peerServerCredentials } from '@holdfast/rpc';
import { peerTlsOf } from '@holdfast/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateFiles, makeCertificates, tlsFlags } from './certificates.js';
import { ClusterProcesses } from './cluster-processes.js';
import { spawnGateway, temporaryDirectory } from './server.js';

function tlsOf({ ca, certificate, key }: CertificateFiles) {
  return peerTlsOf((name) => ({ 'cluster-ca': ca, 'cluster-cert': certificate, 'cluster-key': key })[name]);
}

describe('TLS between the processes of a cluster', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let cluster: ClusterProcesses;
  let ours: CertificateFiles;
  let theirs: CertificateFiles;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    ours = makeCertificates(directory.path, 'ours');
    theirs = makeCertificates(directory.path, 'theirs');
    cluster = await ClusterProcesses.start({ nodes: 2, shards: 2, common: tlsFlags(ours) });
  }, 60_000);

  afterAll(async () => {
    await cluster.stop();
    await directory.remove();
  });

  it('carries requests, timestamps, administration and snapshots', async () => {
    const client = cluster.throughGateway();
    const pairs = Array.from({ length: 2000 }, (_, i) => [`key ${i}`, `value ${i}`.padEnd(200)]).flat();
    await client.mset(pairs);
    const status = await kvctl('status', ...cluster.access, ...tlsFlags(ours));
    expect([status.code, status.out]).toEqual([0, expect.stringContaining('problems   none')]);
    expect((await kvctl('leader', 'move', 's0', 'n2', ...cluster.access, ...tlsFlags(ours))).code).toBe(0);
    // What it had comes from the other node.
    await cluster.nodes[0].stop();
    await cluster.lose(cluster.nodes[0]);
    await cluster.nodes[0].start();
    await expect
      .poll(() => kvctl('status', ...cluster.access, ...tlsFlags(ours)), { timeout: 20_000 })
      .toMatchObject({ code: 0 });
    expect(await client.get('key 7')).toBe('value 7'.padEnd(200));
  }, 60_000);

  it('lets nobody in without a certificate, or with one of other authorities', async () => {
    const address = cluster.nodes[0].addresses.grpc;
    for (const tls of [undefined, tlsOf(theirs)]) {
      const admin = new AdminClient({ address, env: systemEnv(), credentials: peerCredentials(tls) });
      await expect(admin.status(1000)).rejects.toBeInstanceOf(KvError);
      admin.close();
    }
    await expect(aloud(cluster.nodes[0].port('grpc'))).rejects.toThrow(/certificate required|alert/i);
    for (const flags of [[], tlsFlags(theirs)]) {
      const { code, out } = await kvctl('status', ...cluster.access, ...flags, '--timeout', '500');
      expect([code, out]).toEqual([1, expect.stringContaining('node n1:')]);
    }
  }, 30_000);

  it('keeps a gateway of other authorities from the nodes', async () => {
    const [, etcd, , prefix] = cluster.access;
    const gateway = spawnGateway({
      mode: 'cluster',
      etcd,
      'etcd-prefix': prefix,
      'cluster-ca': theirs.ca,
      'cluster-cert': theirs.certificate,
      'cluster-key': theirs.key,
    });
    try {
      const { http } = JSON.parse(await gateway.readyLine()) as { http: string };
      const response = await fetch(`http://${http}/readyz`);
      expect([response.status, await response.text()]).toEqual([
        503,
        expect.stringContaining('no leader of'),
      ]);
    } finally {
      await gateway.kill();
    }
  }, 30_000);
});

/** Whoever shows nothing: rejects with what the server says of it. */
function aloud(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed without an alert')));
    socket.on('data', () => resolve());
  });
}

describe('certificates that are replaced while a process runs', () => {
  it('are those of all connections that are made from then on, on both sides', async () => {
    const directory = await temporaryDirectory();
    const [before, after] = ['before', 'after'].map((name) => makeCertificates(directory.path, name));
    const used = makeCertificates(directory.path, 'used');
    const put = (files: CertificateFiles): void => {
      for (const name of ['ca', 'certificate', 'key'] as const) copyFileSync(files[name], used[name]);
    };
    put(before);
    const tls = tlsOf(used)!;
    const env = systemEnv();
    const server = new AdminExporter({
      administration: { status: () => admin.StatusResponse.create({ name: 'n1' }) },
      env,
      credentials: peerServerCredentials(tls),
    });
    const address = `127.0.0.1:${await server.listen(0, '127.0.0.1')}`;
    const clientWith = (files: typeof tls) =>
      new AdminClient({ address, env, credentials: peerCredentials(files) });
    const [connected, waiting, old, fresh] = [tls, tls, tlsOf(before)!, tlsOf(after)!].map(clientWith);
    const clients = [connected, waiting, old, fresh];
    try {
      expect((await connected.status(5000)).name).toBe('n1');
      await expect(fresh.status(1000)).rejects.toBeInstanceOf(KvError);
      put(after);
      expect(tls.refresh()).toBe(true);
      // Made before, and not connected until now.
      expect((await waiting.status(5000)).name).toBe('n1');
      // It was refused before, and waits a moment before it tries again.
      await expect
        .poll(
          () =>
            fresh.status(5000).then(
              ({ name }) => name,
              () => '',
            ),
          { timeout: 5000 },
        )
        .toBe('n1');
      await expect(old.status(1000)).rejects.toBeInstanceOf(KvError);
      expect((await connected.status(5000)).name).toBe('n1');
    } finally {
      for (const client of clients) client.close();
      await server.close();
      await directory.remove();
    }
  }, 30_000);
});

describe('the settings of TLS', () => {
  it('belong together, and must be what they are called', async () => {
    const directory = await temporaryDirectory();
    try {
      const files = makeCertificates(directory.path, 'ours');
      const settings = {
        'cluster-ca': files.ca,
        'cluster-cert': files.certificate,
        'cluster-key': files.key,
      };
      const read = (changed: Partial<typeof settings>) => () =>
        peerTlsOf((name) => ({ ...settings, ...changed })[name]);
      expect(read({})()).toBeDefined();
      expect(peerTlsOf(() => '')).toBeUndefined();
      expect(read({ 'cluster-key': '' })).toThrow('belong together: cluster-key is missing');
      expect(read({ 'cluster-ca': '/nowhere' })).toThrow('cluster-ca: ENOENT');
      expect(read({ 'cluster-cert': files.key })).toThrow("cluster-cert can't be used");
      expect(read({ 'cluster-key': makeCertificates(directory.path, 'other').key })).toThrow(
        "cluster-key can't be used",
      );
    } finally {
      await directory.remove();
    }
  });
});
