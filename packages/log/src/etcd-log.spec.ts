import { type Env, systemEnv } from '@holdfast/common';
import type { Etcd, Transaction } from '@holdfast/etcd';
import { DisruptedStore, EtcdCluster } from '@holdfast/etcd/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { EtcdLog } from './etcd-log.js';
import type { Log } from './log.js';
import { logConformance } from './testing/log-conformance.js';
import {
  type DisruptableLogStore,
  disruptedLogConformance,
  sharedLogConformance,
} from './testing/shared-log-conformance.js';

const env: Env = systemEnv();
let logCount = 0;

/** Whether a transaction is an append itself, not a chunk, a fence or a question. */
function isAppend({ success }: Transaction): boolean {
  return success.some(
    ({ request }) => request?.$case === 'requestPut' && request.value.key.includes('/entries/'),
  );
}

function makeStore(etcd: Etcd): DisruptableLogStore {
  const prefix = `test/${logCount++}/`;
  const stores = new Map<Log, DisruptedStore>();
  return {
    async open() {
      const store = new DisruptedStore(etcd, isAppend);
      const log = await EtcdLog.open({ etcd: store, env, prefix });
      stores.set(log, store);
      return log;
    },
    disrupt: (log, disruption) => stores.get(log)!.disrupt(disruption),
    deliverLate: (log) => stores.get(log)!.deliverLate(),
  };
}

describe('EtcdLog', () => {
  let cluster: EtcdCluster;
  let etcd: Etcd;

  beforeAll(async () => {
    cluster = await EtcdCluster.start();
    etcd = await cluster.connect();
  });

  afterAll(async () => {
    etcd?.close();
    await cluster?.stop();
  });

  for (const { name, run } of [...logConformance, ...sharedLogConformance, ...disruptedLogConformance]) {
    it(name, () => run(makeStore(etcd)));
  }
});
