/**
 * How many nodes the radix tree would have in which Redis keeps a stream: XINFO reports it. Its keys are the ids of the
 * stream's nodes, 16 bytes each, so the tree follows from where neighbours begin to differ.
 */
import { StreamId, type StreamValue } from '@holdfast/storage';

const idBytes = 16;

const first = new StreamId();
const last = new StreamId();

export function radixNodes(stream: StreamValue): number {
  const { length } = stream.nodes;
  return length === 0 ? 1 : countBelow(stream, 0, length - 1, 0);
}

/** Those for the keys from `from` to `to`, whose first `depth` bytes are the same and lead here. */
function countBelow(stream: StreamValue, from: number, to: number, depth: number): number {
  if (from === to) return depth < idBytes ? 2 : 1;
  // The keys are in order: what the first and the last one share, all of them do.
  const shared = sharedBytes(stream.readNodeId(from, first), stream.readNodeId(to, last));
  let count = depth < shared ? 2 : 1;
  for (let start = from; start <= to; ) {
    const end = endOfBranch(stream, start, to, shared);
    count += countBelow(stream, start, end, shared + 1);
    start = end + 1;
  }
  return count;
}

/** The last key from `start` on, up to `to`, that has the same byte at `depth`; those before are the same. */
function endOfBranch(stream: StreamValue, start: number, to: number, depth: number): number {
  stream.readNodeId(start, first);
  let low = start;
  let high = to;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (sharedBytes(first, stream.readNodeId(middle, last)) > depth) low = middle;
    else high = middle - 1;
  }
  return low;
}

function sharedBytes(a: StreamId, b: StreamId): number {
  if (a.msHigh !== b.msHigh) return Math.clz32(a.msHigh ^ b.msHigh) >> 3;
  if (a.msLow !== b.msLow) return 4 + (Math.clz32(a.msLow ^ b.msLow) >> 3);
  if (a.seqHigh !== b.seqHigh) return 8 + (Math.clz32(a.seqHigh ^ b.seqHigh) >> 3);
  return 12 + (Math.clz32(a.seqLow ^ b.seqLow) >> 3);
}
