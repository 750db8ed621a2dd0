/** RENAME and RENAMENX: the value stays where it is, only its name changes. */
import type { Context } from '../../context.js';

export type Renamed = 'missing' | 'exists' | 'same' | 'done';

export function rename(ctx: Context, from: number, to: number, mayReplace: boolean): Renamed {
  const { db, request } = ctx;
  if (ctx.find(from) === 0) return 'missing';
  if (Buffer.compare(request.view(from), request.view(to)) === 0) return 'same';
  const target = ctx.find(to);
  if (target !== 0) {
    if (!mayReplace) return 'exists';
    db.remove(target);
  }
  db.rename(ctx.find(from), request.bytes, request.start(to), request.length(to));
  ctx.notify('g', 'rename_from', from);
  ctx.notify('g', 'rename_to', to);
  return 'done';
}
