import type { Command } from '../../command.js';
import { bitcount } from './bitcount.js';
import { bitfield } from './bitfield.js';
import { bitfieldRo } from './bitfield-ro.js';
import { bitop } from './bitop.js';
import { bitpos } from './bitpos.js';
import { getbit } from './getbit.js';
import { setbit } from './setbit.js';

export const bitmapCommands: readonly Command[] = [
  setbit,
  getbit,
  bitcount,
  bitpos,
  bitop,
  bitfield,
  bitfieldRo,
];
