/** A part of a history as batches, for whoever applies it to a state. */
import type { History } from './history.js';

/** What was written after one version and up to another, or to the end. Throws as `History.read`, before the first too. */
export async function* historyBatches(
  history: History,
  after: number,
  upTo: number,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = after; at < upTo; ) {
    const { commits, version } = await history.read(at);
    const wanted = commits.filter((commit) => commit.version <= upTo);
    if (wanted.length > 0) yield Buffer.concat(wanted.map(({ mutations }) => mutations));
    if (version === at) return;
    at = version;
  }
}
