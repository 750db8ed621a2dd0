/** Against no server: see the integration specs for one. */
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
