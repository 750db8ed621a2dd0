/** RENAME and RENAMENX: the value stays where it is, only its name changes. */
import { compareBytes } from '@holdfast/common';
import type { Context } from '../../context.js';

export type Renamed = 'missing' | 'exists' | 'same' | 'done';

export function rename(ctx: Context, from: number, to: number, mayReplace: boolean): Renamed {
  const { db, request } = ctx;
  if (ctx.find(from) === 0) return 'missing';
  const { bytes } = request;
  const [start, length] = [request.start(to), request.length(to)];
  const isSame = compareBytes(bytes, request.start(from), request.length(from), bytes, start, length) === 0;
  if (isSame) return 'same';
  const target = ctx.find(to);
  if (target !== 0) {
    if (!mayReplace) return 'exists';
    db.remove(target);
  }
  db.rename(ctx.find(from), bytes, start, length);
  ctx.notify('g', 'rename_from', from);
  ctx.notify('g', 'rename_to', to);
  return 'done';
}
