/** FUNCTION STATS: what is running, and how many libraries and functions there are. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';

export function replyStats({ kv }: Context, reply: Reply): void {
  const { execution, functions } = kv.scripting;
  const run = execution.current;
  if (run?.isEval === true) return reply.error(execution.busyError);
  reply.map(2);
  reply.text('running_script');
  if (run === null) {
    reply.null();
  } else {
    reply.map(3);
    reply.text('name');
    reply.byteString(run.name);
    reply.text('command');
    reply.array(run.request.count);
    for (let i = 0; i < run.request.count; i++) {
      reply.bulk(run.request.bytes, run.request.start(i), run.request.length(i));
    }
    reply.text('duration_ms');
    reply.integer(execution.runningMs);
  }
  reply.text('engines');
  reply.map(1);
  reply.text('LUA');
  reply.map(2);
  reply.text('libraries_count');
  reply.integer(functions.libraries.size);
  reply.text('functions_count');
  reply.integer(functions.libraries.functionCount);
}
