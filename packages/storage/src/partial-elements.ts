/**
 * What is known of the elements of a collection that is in memory in part: the others are on the disk.
 *
 *     here                  in the collection, as they are now, whatever the disk has
 *     absent                the disk was asked for them and does not have them
 *     all others            unknown: the disk tells
 *
 * As long as it is partial, elements are added and changed, and none is removed. So an element that is here is newer than
 * the disk's, one that is not here stands still on the disk, and whatever comes from there may be put in at any time.
 */
// @hot-path
import { AbsentNames } from './absent-names.js';

const absentMax = 2048;
const absentBytesMax = 1024 * 1024;

export class PartialElements {
  /** Under which the disk has its elements. */
  readonly incarnation: number;
  /** Nothing goes on with what is here: an element expires by itself, which may not happen while others are unknown. */
  mustBeWhole = false;
  /** The order of all elements, as far as it is kept: see `level/element-order.ts`. */
  order: Uint8Array;
  readonly absent = new AbsentNames(absentMax, absentBytesMax);

  constructor(incarnation: number, order: Uint8Array) {
    this.incarnation = incarnation;
    this.order = order;
  }
}

/** Names of elements, for a look: of the arguments of a request, for example. */
export interface ElementNames {
  readonly bytes: Uint8Array;
  readonly count: number;
  start(i: number): number;
  length(i: number): number;
}

export const noElements: ElementNames = {
  bytes: new Uint8Array(0),
  count: 0,
  start: () => 0,
  length: () => 0,
};
