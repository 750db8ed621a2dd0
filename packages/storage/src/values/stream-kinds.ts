/**
 * The mutations of streams, after the key. Ids are 16 bytes, names of groups and consumers byte fields.
 *
 *     append         node id, id, count u32, (name, value) x count         a new node when the two ids are equal
 *     putNode        node id, head (5 x u32), content                      a whole node
 *     deleteEntries  count u32, (node id, id) x count
 *     trim           count u32, node id x count: they go; u8: 1 when the first that is left loses entries, then
 *                    its node id, and the id before which they lie
 *     setState       u8: 1 when nothing that was there stays; last id, entries added f64, greatest deleted id
 *     changeGroup    one of `groupChanges`
 *     putPending     one of `pendingChanges`
 *     removePending  group, count u32, id x count
 *
 * Ids of nodes are there for a storage that keeps nodes as records of its own, and so that nodes are the same
 * wherever the mutations are applied.
 */
import { valueTypes } from '../collection.js';
import { collectionKinds } from '../mutation.js';

const firstKind = collectionKinds(valueTypes.stream);

export const streamKinds = {
  append: firstKind,
  putNode: firstKind + 1,
  deleteEntries: firstKind + 2,
  trim: firstKind + 3,
  setState: firstKind + 4,
  changeGroup: firstKind + 5,
  putPending: firstKind + 6,
  removePending: firstKind + 7,
} as const;

export const groupChanges = {
  /** group, last id, entries read f64 */
  put: 0,
  /** group, u8: 1 when what was pending was removed before; count u32, consumers */
  destroy: 1,
  /** group, consumer, seen f64, active f64 */
  putConsumer: 2,
  /** group, consumer */
  removeConsumer: 3,
} as const;

export const pendingChanges = {
  /** group, consumer, time f64, entries read f64, count u32, ids, last id: entries that become pending, or none */
  deliver: 0,
  /** group, consumer, count u32, (id, time f64, deliveries f64) x count */
  put: 1,
} as const;
