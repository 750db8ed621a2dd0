/** etcd behind TLS, and with users. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedTls } from '@holdfast/rpc';
import { afterAll, describe, expect, it } from 'vitest';
import { put } from './operations.js';
import { EtcdCluster } from './testing/etcd-cluster.js';

const directory = mkdtempSync(join(tmpdir(), 'etcd-access-'));
afterAll(() => rmSync(directory, { recursive: true }));
const key = Buffer.from('key');

describe('Etcd behind TLS', () => {
  it('is asked when its certificate is that of the authority, and not without TLS', async () => {
    const [certificateFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    const made = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    const named = ['-subj', '/CN=etcd', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', [...made, ...named, '-keyout', keyFile, '-out', certificateFile], {
      stdio: 'ignore',
    });
    const tls = { certificateFile, keyFile, ca: readFileSync(certificateFile) };
    const cluster = await EtcdCluster.start({ tls });
    try {
      const etcd = await cluster.connect();
      await etcd.transact({ compare: [], success: [put(key, key)] });
      expect((await etcd.range({ key })).kvs.length).toBe(1);
      etcd.close();
      const secure = cluster.endpoints.map((endpoint) => `https://${endpoint}`);
      const stranger = cluster.connect({ endpoints: secure, tls: fixedTls({}), callTimeoutMs: 500 });
      await expect(stranger).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    } finally {
      await cluster.stop();
    }
  }, 30_000);
});

describe('Etcd with users', () => {
  it('lets in who has the password, also when the token has become too old', async () => {
    const cluster = await EtcdCluster.start({ tokenSeconds: 1 });
    try {
      const [endpoint] = cluster.endpoints;
      const etcdctl = (...args: string[]): Buffer =>
        execFileSync('etcdctl', ['--endpoints', endpoint, ...args], {
          env: { ...process.env, ETCDCTL_API: '3' },
        });
      etcdctl('user', 'add', 'root:secret');
      etcdctl('auth', 'enable');
      const user = { name: 'root', password: 'secret' };
      const etcd = await cluster.connect({ user });
      await etcd.transact({ compare: [], success: [put(key, key)] });
      await expect(cluster.connect({ user: { ...user, password: 'wrong' } })).rejects.toMatchObject({
        code: 'DENIED',
      });
      const anonymous = await cluster.connect().catch(() => null);
      await expect(anonymous?.range({ key })).rejects.toMatchObject({ code: 'DENIED' });
      anonymous?.close();
      // The token's time is over, and nobody has asked with it meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      await etcd.transact({ compare: [], success: [put(key, key)] });
      await new Promise((resolve) => setTimeout(resolve, 2500));
      // Many find that out at once, and none of them asks without a token meanwhile.
      const asked = Array.from({ length: 20 }, () => etcd.range({ key }));
      for (const { kvs } of await Promise.all(asked)) expect(kvs.length).toBe(1);
      etcd.close();
      const withOneDown = await cluster.connect({ user, endpoints: ['127.0.0.1:1', endpoint] });
      expect((await withOneDown.range({ key })).kvs.length).toBe(1);
      withOneDown.close();
    } finally {
      await cluster.stop();
    }
  }, 30_000);
});
