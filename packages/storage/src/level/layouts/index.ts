import { valueTypes } from '../../collection.js';
import { HashLayout } from './hash-layout.js';
import type { Layout } from './layout.js';
import { ListLayout } from './list-layout.js';
import { SetLayout } from './set-layout.js';
import { StreamLayout } from './stream-layout.js';
import { WholeLayout } from './whole-layout.js';
import { ZSetLayout } from './zset-layout.js';

export { ElementSink } from './element-sink.js';
export type { Layout, MutationOutput } from './layout.js';

export const wholeLayout: Layout = new WholeLayout();

/** The layouts of one storage, by type of value. */
export function createLayouts(): readonly Layout[] {
  const layouts: Layout[] = new Array(32).fill(wholeLayout);
  layouts[valueTypes.list] = new ListLayout();
  layouts[valueTypes.set] = new SetLayout();
  layouts[valueTypes.zset] = new ZSetLayout();
  layouts[valueTypes.hash] = new HashLayout();
  layouts[valueTypes.stream] = new StreamLayout();
  return layouts;
}
