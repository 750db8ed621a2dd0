/** Against no server: see the integration specs for one. */
import { createServer } from 'node:net';
import { hostBytesMax, systemEnv } from '@holdfast/common';
import { expect, it } from 'vitest';
import { RedisMigration } from './redis-migration.js';

it('does not look for a host whose name is longer than any', async () => {
  const migration = new RedisMigration(systemEnv());
  const sent = migration.send(
    {
      host: 'h'.repeat(hostBytesMax + 1),
      port: '6379',
      database: 0,
      timeoutMs: 1000,
      user: null,
      password: null,
      replaces: false,
    },
    [],
  );
  expect(process.getActiveResourcesInfo()).not.toContain('GetAddrInfoReqWrap');
  expect(await sent).toMatchObject({ restored: [], problem: expect.stringMatching(/^IOERR /) });
});

it('says what Redis says where nobody listens: it notices that as it writes', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const target = {
    host: '127.0.0.1',
    database: 0,
    timeoutMs: 5000,
    user: null,
    password: null,
    replaces: false,
  };
  const migration = new RedisMigration(systemEnv());
  for (const name of [`${port}`, '99999', 'x']) {
    const { problem } = await migration.send({ ...target, port: name }, []);
    expect(problem).toBe('IOERR error or timeout writing to target instance');
  }
});
