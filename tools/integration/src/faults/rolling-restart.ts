/** Restarts processes one after the other, in order (SIGTERM), each once the one before serves again. */
import { pause } from '../server.js';
import type { ClusterUnderTest, Member } from './cluster-under-test.js';

const readyTimeoutMs = 20_000;

export async function restartEach(
  cluster: ClusterUnderTest,
  members: readonly Member[],
  onRestart: (name: string, endedMs: number, readyMs: number) => void,
): Promise<void> {
  for (const member of members) {
    const fromMs = Date.now();
    const { code, signal } = await member.process.stop();
    if (code !== 0) throw new Error(`${member.name} ended with ${code ?? signal}:\n${member.process.log}`);
    const endedMs = Date.now();
    await member.start();
    await untilReady(member);
    for (const shard of cluster.shards) await cluster.leaderOf(shard);
    onRestart(member.name, endedMs - fromMs, Date.now() - endedMs);
  }
}

/** As an orchestrator waits: until it says that it does its work. */
async function untilReady(member: Member): Promise<void> {
  const untilMs = Date.now() + readyTimeoutMs;
  for (;;) {
    const answer = await fetch(`http://${member.addresses.http}/readyz`).catch(() => null);
    if (answer?.ok) return;
    if (Date.now() > untilMs) throw new Error(`${member.name} is not ready: ${await answer?.text()}`);
    await pause(50);
  }
}
