/**
 * Some commands of one connection, decoded before the first of them runs, so that what they will look up can be
 * fetched from memory together. One for all connections: a batch is over before another connection's begins.
 *
 *     bytes   | command 0 | command 1 | command 2 | unfinished ...
 *                       ends[0]     ends[1]     ends[2]
 */
// @hot-path
import { Request } from '@holdfast/common';

/** Commands in a batch at the most. */
export const batchCountMax = 16;

export class RequestBatch {
  readonly requests: Request[] = Array.from({ length: batchCountMax }, () => new Request());
  /** Where each command ends in the bytes. */
  readonly ends = new Int32Array(batchCountMax);
  count = 0;
  /** Why the batch ends: see `RequestDecoder.decodeBatch`. */
  next = 0;

  /** Adds a request, and gives another one, of no content, for it. */
  exchange(request: Request, end: number): Request {
    const i = this.count++;
    const spare = this.requests[i];
    this.requests[i] = request;
    this.ends[i] = end;
    return spare;
  }

  /** Lets go of bytes that belong to a connection, and of room that hardly any request needs. */
  forget(): void {
    for (const request of this.requests) request.release();
  }
}
