/**
 * SIGKILL at random moments under load: what was acknowledged, or read by anybody, is there when the server comes back,
 * and no command, no script and no transaction is half applied. Every now and then the whole directory that a killed
 * server left is checked, too.
 */
import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { type GatewaySettings, pause, redisAddress, spawnGateway } from '../server.js';
import { forms } from './forms.js';
import { checkWhole, isLong, loadUntil, newLife, settleAll, writesKnown } from './life.js';

const loadMsMax = 120;
const killsPerCheck = 25;

export interface CrashOptions {
  readonly settings: GatewaySettings;
  readonly kills: number;
  readonly seed: number;
  readonly onKill: (kills: number, writes: number) => void;
}

/** Returns the number of writes that were acknowledged. Throws when anything is lost, half there, or not whole. */
export async function survive({ kills, onKill, seed, settings }: CrashOptions): Promise<number> {
  const random = new SeededRandom(seed);
  let life = await newLife(forms);
  let writes = 0;
  let killed = 0;
  try {
    while (killed < kills) {
      const registers = life.registers.flat();
      const gateway = spawnGateway({ ...settings, dir: life.directory.path });
      try {
        if (randomBelow(random, 8) === 0) {
          // During the start, which recovers.
          await pause(randomBelow(random, 500));
        } else {
          const address = await redisAddress(gateway);
          await settleAll(address, registers);
          const before = writesKnown(registers);
          await loadUntil(address, life, { loadMsMax, saves: 0, random, kill: () => gateway.kill() });
          writes += writesKnown(registers) - before;
        }
      } finally {
        await gateway.kill();
      }
      killed++;
      if (killed % killsPerCheck === 0) await checkWhole(life.directory.path);
      onKill(killed, writes);
      if (isLong(life)) {
        await life.directory.remove();
        life = await newLife(forms);
      }
    }
    const gateway = spawnGateway({ ...settings, dir: life.directory.path });
    await settleAll(await redisAddress(gateway), life.registers.flat());
    const code = await gateway.stop();
    if (code !== 0) throw new Error(`an orderly end with code ${code}`);
    await checkWhole(life.directory.path);
  } finally {
    await life.directory.remove();
  }
  return writes;
}
