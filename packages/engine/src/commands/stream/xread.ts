// @hot-path
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { invalidId, readId } from './ids.js';
import { readBlock, readCount, readStreams, StreamRead, streamKeys } from './reading.js';
import { readStream, replyEntries } from './streams.js';

const call = new StreamRead();

export const xread = defineCommand({
  id: 707,
  name: 'XREAD',
  group: 'stream',
  since: '5.0.0',
  complexity:
    'For each stream mentioned: O(N) with N being the number of elements being returned, it means that XREAD-ing with a fixed COUNT is O(1). Note that when the BLOCK option is used, XADD will pay O(M) time in order to serve the M clients blocked on the stream getting new data.',
  summary:
    'Returns messages from multiple streams with IDs greater than the ones requested. Blocks until a message is available otherwise.',
  flags: ['blocking', 'readonly'],
  keySpecs: streamKeys(1),
  args: { count: readCount(), milliseconds: readBlock(), streams: readStreams() },
  run(ctx, _, reply) {
    const problem = call.read(ctx, false);
    if (problem !== null) return reply.error(problem);
    const isPlanned = plan(ctx);
    const { served } = call;
    if (!isPlanned) return call.clear();
    if (served === 0) {
      call.clear();
      return call.wait(ctx, false, reply);
    }
    if (reply.dialect === 3) reply.map(served);
    else reply.array(served);
    for (let i = 0; i < call.streams; i++) {
      const { count, cursor } = call.plans[i];
      if (count === 0) continue;
      call.replyKey(ctx, i, reply);
      replyEntries(reply, cursor, count);
    }
    call.clear();
  },
});

/** Works out what each stream gives; false after replying an error. */
function plan(ctx: Context): boolean {
  for (let i = 0; i < call.streams; i++) {
    const stream = readStream(ctx, call.keyAt(i));
    if (stream === undefined) return false;
    const each = call.plans[i];
    each.stream = stream;
    each.isHistory = false;
    each.count = 0;
    const problem = resolve(ctx, i);
    if (problem !== null) {
      ctx.reply.error(problem);
      return false;
    }
  }
  for (let i = 0; i < call.streams; i++) {
    const each = call.plans[i];
    // Redis looks each key up a second time to serve it: a miss is told again, and a hit counts again.
    if (each.stream === null) ctx.read(call.keyAt(i));
    else ctx.kv.stats.hits++;
    each.count = each.find(each.after, call.countMax);
  }
  return true;
}

/** The id after which entries are wanted; what is wrong with it, or null. */
function resolve({ request }: Context, i: number): string | null {
  const { after, stream } = call.plans[i];
  const at = call.idAt(i);
  const byte = request.length(at) === 1 ? request.bytes[request.start(at)] : 0;
  call.plans[i].isResolved = byte === 36 || byte === 43;
  if (byte === 36) {
    after.copy(stream === null ? after.toZero() : stream.lastId);
    return null;
  }
  if (byte === 43) {
    // The last entry itself, and later ones when there is none.
    if (stream === null) after.toZero();
    else if (stream.readLastEntryId(after)) after.decrement();
    else after.copy(stream.lastId);
    return null;
  }
  if (byte === 62) {
    return 'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.';
  }
  return readId(request, at, after) ? null : invalidId;
}
