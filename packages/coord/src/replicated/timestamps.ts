/**
 * The timestamps that the replicas of a node share, seen from those who pass them requests.
 *
 * A write's version must be above that of every write that was acknowledged before it arrived, whatever shard
 * that was on: so it is taken from timestamps that were fetched after it arrived. One fetch is on its way at a
 * time, and whatever arrives meanwhile waits for the next one.
 *
 *     arrive  1 1    2 2 2     3
 *     fetch    [--1--][---2---][--3--]
 *     ready           1 1      2 2 2
 *
 * Where there is one shard, no other one has acknowledged anything, and what is at hand will do.
 */
export interface Timestamps {
  /** When something arrives now: which fetch it has to wait for. 0 when it need not wait for any. */
  arrive(): number;
  /**
   * Whether what arrived then, and takes about `count` versions, may be executed: null, or a promise for when it may.
   * Never rejects.
   */
  ready(arrival: number, count: number): Promise<void> | null;
}
