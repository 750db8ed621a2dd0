import { systemEnv } from '@holdfast/common';
import type { LocalStack, SharedLog } from '@holdfast/coord';
import { expect, it } from 'vitest';
import { ServerAdministration } from './server-administration.js';
import type { ServerEtcd } from './server-etcd.js';
import type { Settings } from './settings.js';

it('opens etcd for no second change of the consistency while the first is under way', async () => {
  let opened = 0;
  let finish!: (ms: number) => void;
  const changed = new Promise<number>((resolve) => {
    finish = resolve;
  });
  const stack = { consistency: 'local', setConsistency: () => changed } as unknown as LocalStack;
  const open = async (): Promise<SharedLog> => {
    opened++;
    return {} as SharedLog;
  };
  const etcd = { open } as unknown as ServerEtcd;
  const administration = new ServerAdministration({
    settings: {} as Settings,
    env: systemEnv(),
    stack,
    etcd,
  });
  const first = administration.setConsistency('replicated', ['a:1']);
  await expect(administration.setConsistency('replicated', ['a:1'])).rejects.toMatchObject({
    code: 'INVALID',
    message: 'the consistency is being changed already',
  });
  expect(opened).toBe(1);
  finish(12);
  expect(await first).toBe(12);
  expect(await administration.setConsistency('replicated', ['a:1'])).toBe(12);
  expect(opened).toBe(2);
});
