import type { KvError } from '@holdfast/common';
import { describe, expect, it } from 'vitest';
import { isFromOutside, protectedModeError } from './protected-mode.js';
import { LocalServer, TestClient } from './testing/local-server.js';

/** Why a client from there is not let in, or null. */
function refusalOf(server: LocalServer, address: string): KvError | null {
  let refusal: KvError | null = null;
  const session = server.coordinator.open(new TestClient(server, 2), {
    protocol: 'redis',
    address,
    localAddress: '192.0.2.1:6379',
    onRefused: (why) => {
      refusal = why;
    },
  });
  expect(session === null).toBe(refusal !== null);
  return refusal;
}

describe('isFromOutside', () => {
  it.each(['192.0.2.7:5000', '[2001:db8::7]:5000', '10.0.0.1:1', '[::ffff:192.0.2.7]:5000', '0.0.0.0:1'])(
    '%s is',
    (address) => expect(isFromOutside(address)).toBe(true),
  );

  it.each([
    '127.0.0.1:5000',
    '127.9.9.9:5000',
    '[::1]:5000',
    '::1:5000',
    '[::ffff:127.0.0.1]:5000',
    '/run/holdfast.sock:0',
    '/run/1.2.3.4:0',
    '?:0',
    '',
  ])('%s is not', (address) => expect(isFromOutside(address)).toBe(false));
});

describe('protected mode', () => {
  it('lets nobody in from outside while no password is needed', () => {
    const server = new LocalServer();
    expect(refusalOf(server, '192.0.2.7:5000')).toBe(protectedModeError);
    expect(refusalOf(server, '127.0.0.1:5000')).toBeNull();
    expect(server.client().line('INFO stats')).toContain('rejected_connections:1\r\n');
  });

  it.each(['CONFIG SET protected-mode no', 'CONFIG SET requirepass secret', 'ACL SETUSER default resetpass'])(
    'lets everybody in after %s',
    (line) => {
      const server = new LocalServer();
      expect(server.client().line(line)).toBe('OK');
      expect(refusalOf(server, '192.0.2.7:5000')).toBeNull();
    },
  );

  it('says first that there are too many', () => {
    const server = new LocalServer();
    server.client().line('CONFIG SET maxclients 1');
    expect(refusalOf(server, '192.0.2.7:5000')).toMatchObject({ code: 'LIMIT' });
  });
});
