/** Who a node's directory is, for good: made with it, and gone with it. */
import type { Env } from '@holdfast/common';
import { type Disk, readSmallFile, writeSmallFile } from '@holdfast/log';

export async function identityOf(disk: Disk, directory: string, env: Env): Promise<string> {
  const path = `${directory}/identity`;
  const content = await readSmallFile(disk, path);
  if (content !== null) return Buffer.from(content).toString().trim();
  const identity = env.random.fill(Buffer.alloc(16)).toString('hex');
  await writeSmallFile(disk, path, Buffer.from(`${identity}\n`));
  return identity;
}
