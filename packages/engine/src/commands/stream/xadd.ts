// @hot-path
import { StreamId, type StreamValue } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, described, key, repeat, token, unparsed } from '../../grammar.js';
import { replyId } from './ids.js';
import { createStream, findStream } from './streams.js';
import { TrimOptions, trimArgument } from './trimming.js';

/** Bytes of all fields and values of an entry. */
const entryBytesMax = 2 ** 30;

const options = new TrimOptions();
const added = new StreamId();
const nothing = new StreamId();

export const xadd = defineCommand({
  id: 700,
  name: 'XADD',
  group: 'stream',
  since: '5.0.0',
  complexity: 'O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.',
  summary: "Appends a new message to a stream. Creates the key if it doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  tips: ['nondeterministic_output'],
  args: {
    key: key('RW', 'update').noted('UPDATE instead of INSERT because of the optional trimming feature'),
    nomkstream: unparsed(token('NOMKSTREAM')),
    trim: trimArgument({ countMin: 0 }),
    'id-selector': described(
      {
        type: 'oneof',
        arguments: [
          { name: 'auto-id', type: 'pure-token', token: '*', flags: [] },
          { name: 'id', type: 'string', flags: [] },
        ],
      },
      { countMin: 1 },
    ),
    data: unparsed(repeat({ field: bytes(), value: bytes() })),
  },
  run(ctx, { key }, reply) {
    const problem = options.read(ctx, true) ?? problemOfEntry(ctx);
    if (problem !== null) return reply.error(problem);
    let stream = findStream(ctx, key);
    if (stream === undefined) return;
    if (stream === null && options.keepsMissing) return reply.null();
    const last = stream === null ? nothing : stream.lastId;
    const refusal = chooseId(ctx, last);
    if (refusal !== null) return reply.error(refusal);
    stream ??= createStream(ctx, key);
    const first = options.idAt + 1;
    stream.append(added, ctx.request, first, ctx.request.count - first);
    replyId(reply, added);
    ctx.notify('t', 'xadd', key);
    if (options.hasRule) trim(ctx, key, stream);
    if (ctx.propagation !== null) passOn(ctx, stream);
  },
});

function problemOfEntry({ request }: Context): string | null {
  const count = request.count - options.idAt - 1;
  if (count < 2 || count % 2 === 1) return "ERR wrong number of arguments for 'xadd' command";
  if (!options.isAuto && !options.isOpen && options.id.isZero) {
    return 'ERR The ID specified in XADD must be greater than 0-0';
  }
  if (request.span <= entryBytesMax) return null;
  let total = 0;
  for (let i = options.idAt + 1; i < request.count; i++) total += request.length(i);
  return total > entryBytesMax ? 'ERR Elements are too large to be stored' : null;
}

/** Makes `added` the id of the new entry; what is wrong with it, or null. */
function chooseId({ nowMs }: Context, last: StreamId): string | null {
  if (last.isMax) return 'ERR The stream has exhausted the last possible ID, unable to add more items';
  if (options.isAuto) {
    if (nowMs > last.ms) added.toMs(nowMs);
    else added.copy(last).increment();
    return null;
  }
  added.copy(options.id);
  const isNext = options.isOpen && added.msHigh === last.msHigh && added.msLow === last.msLow;
  // The next one of the millisecond, unless that was its last.
  if (isNext && !(last.seqHigh === -1 && last.seqLow === -1)) added.copy(last).increment();
  if (added.compare(last) > 0) return null;
  return 'ERR The ID specified in XADD is equal or smaller than the target stream top item';
}

/** With the id that it got, and the exact point that it was trimmed to. */
function passOn({ propagation, request }: Context, stream: StreamValue): void {
  const words: (string | number | Uint8Array)[] = request.views(0);
  words[options.idAt] = added.toString();
  options.makeExact(words, stream);
  propagation?.instead(...words);
}

function trim(ctx: Context, key: number, stream: StreamValue): void {
  if (stream.trim(options.rule) > 0) ctx.notify('t', 'xtrim', key);
}
