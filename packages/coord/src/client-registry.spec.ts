import type { KvError } from '@holdfast/common';
import { expect, it } from 'vitest';
import type { Credentials } from './coordinator.js';
import { LocalServer } from './testing/index.js';

it('lets in who comes with credentials by them, as no command', () => {
  const server = new LocalServer();
  const { coordinator } = server;
  const admin = server.client();
  const sink = { outputBytes: 0, inputBytes: 0, reply: admin.reply, wake() {}, resume() {}, close() {} };
  const refusals: KvError[] = [];
  const open = (credentials: Credentials | null) =>
    coordinator.open(sink, {
      protocol: 'grpc',
      address: '127.0.0.1:1',
      localAddress: '',
      credentials,
      onRefused: (refusal) => refusals.push(refusal),
    });

  coordinator.close(open(null)!);
  admin.line('ACL SETUSER j\u00f6 on >s\u00e9cret ~* +@all');
  admin.line('CONFIG SET requirepass other');
  expect(open(null)).toBeNull();
  expect(open({ user: 'j\u00f6', password: 'wrong' })).toBeNull();
  expect(open({ user: 'nobody', password: 's\u00e9cret' })).toBeNull();
  expect(refusals.map(({ message }) => message)).toEqual([
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    'WRONGPASS invalid username-password pair or user is disabled.',
  ]);
  expect(coordinator.sessionCount).toBe(1);
  expect(admin.line('ACL LOG')).toMatchObject([
    { reason: 'auth', object: 'AUTH', username: 'nobody' },
    { reason: 'auth', object: 'AUTH', username: Buffer.from('j\u00f6').toString('latin1') },
  ]);
  const session = open({ user: 'j\u00f6', password: 's\u00e9cret' })!;
  expect(session.isAuthenticated).toBe(true);
  expect(session.totalCommands).toBe(0);
  expect(admin.line('INFO commandstats')).not.toContain('cmdstat_auth');
});
