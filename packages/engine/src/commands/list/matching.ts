/** Searching a list for an argument of the request. */
import type { Request } from '@holdfast/common';
import type { ListValue, Side } from '@holdfast/storage';

export interface Extent {
  /** The end to begin at. */
  readonly side: Side;
  /** So many matches are passed over first; none unless said. */
  readonly skip?: number;
  /** At most so many matches are wanted, and so many elements looked at; no limit unless said. */
  readonly matches?: number;
  readonly looks?: number;
}

/** Indexes of the elements that equal argument `i`, in the order they are found. */
export function matchesOf(list: ListValue, request: Request, i: number, extent: Extent): number[] {
  const indexes: number[] = [];
  const { side, skip = 0, matches = Number.POSITIVE_INFINITY, looks = Number.POSITIVE_INFINITY } = extent;
  const { bytes } = request;
  const start = request.start(i);
  const length = request.length(i);
  list.search({ bytes, start, length, side, skip, matches, looks }, indexes);
  return indexes;
}
