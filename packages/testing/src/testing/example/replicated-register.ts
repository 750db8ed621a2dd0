/**
 * The replicas, their log, and clients that record what they see: a scenario that must pass, and one for each mistake
 * that must not.
 */
import { KvError, randomBelow } from '@holdfast/common';
import { History } from '../../history/history.js';
import { assertLinearizable } from '../../linearizability/check.js';
import { register } from '../../models/register.js';
import type { NodeLife } from '../../simulation/node-life.js';
import type { Scenario } from '../../simulation/scenario.js';
import { ask, type Mistake, Replica, type Reply, type Request } from './replica.js';
import { type Entry, serveLog, serveMirror } from './shared-log.js';

const replicas = ['a', 'b', 'c'];
const clients = ['client1', 'client2', 'client3'];
/** After the faults each client must succeed so often. */
const quietSuccesses = 5;

export function replicatedRegister(mistake: Mistake | null, faultsMs = 6000): Scenario {
  return {
    name: `a replicated register${mistake === null ? '' : ` with the mistake: ${mistake}`}`,
    faultsMs,
    quietMs: 20_000,
    prepare(simulation) {
      const history = new History({ clock: simulation.clockNs });
      const entries: Entry[] = [];
      const successes = new Map<string, number>();
      let isQuiet = false;
      const succeed = (client: string) => {
        if (isQuiet) successes.set(client, (successes.get(client) ?? 0) + 1);
      };
      const isDone = () => clients.every((client) => (successes.get(client) ?? 0) >= quietSuccesses);
      simulation.addNode('log', {
        program: (life) => serveLog(life, entries, [...replicas, 'mirror']),
        isFaulty: false,
      });
      simulation.addNode('mirror', { program: (life) => serveMirror(life, 'log') });
      for (const name of replicas)
        simulation.addNode(name, { program: (life) => new Replica(life, mistake).run() });
      for (const name of clients) {
        simulation.addNode(name, { program: (life) => runClient(life, history, succeed), isFaulty: false });
      }
      return {
        onQuiet: () => {
          isQuiet = true;
        },
        isDone,
        check: () => assertLinearizable(history, register),
      };
    },
  };
}

/** Reads and writes one key after the other, at whoever answered last. */
async function runClient(life: NodeLife, history: History, succeed: (client: string) => void): Promise<void> {
  const { random } = life.env;
  let leader = replicas[randomBelow(random, replicas.length)];
  for (let i = 0; ; i++) {
    await life.sleep(randomBelow(random, 40));
    const key = `k${randomBelow(random, 3)}`;
    const isRead = randomBelow(random, 2) === 0;
    const request: Request = isRead ? { op: 'get', key } : { op: 'set', key, value: `${life.name}:${i}` };
    const invocation = history.invoke(
      life.name,
      key,
      isRead ? { op: 'get' } : { op: 'set', value: `${life.name}:${i}` },
    );
    const reply = await call(life, leader, request);
    if ('value' in reply) {
      invocation.ok(reply.value);
      succeed(life.name);
      continue;
    }
    if (reply.outcome === 'fail') invocation.fail(reply.note);
    else invocation.unknown(reply.note);
    leader = replicas[randomBelow(random, replicas.length)];
  }
}

type Outcome = Reply | { readonly outcome: 'fail' | 'unknown'; readonly note: string };

async function call(
  life: NodeLife,
  leader: string,
  request: Request,
): Promise<Exclude<Outcome, { failed: string }>> {
  try {
    const reply = await life.network.call(leader, ask, request, { timeoutMs: 400 });
    return 'failed' in reply ? { outcome: 'fail', note: reply.failed } : reply;
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return { outcome: error.code === 'UNAVAILABLE' ? 'fail' : 'unknown', note: error.message };
  }
}
