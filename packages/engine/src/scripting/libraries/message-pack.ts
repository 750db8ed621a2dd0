/** The library `cmsgpack`. */
import type { LuaMachine } from '../lua/machine.js';
import type { Library } from '../lua/sandbox.js';
import { MessagePackReader } from './message-pack-reader.js';
import { MessagePackWriter } from './message-pack-writer.js';
import type { Output } from './output.js';

export function messagePackLibrary(
  machine: LuaMachine,
  output: Output,
  tableOf: (address: number) => number,
): Library {
  const writer = new MessagePackWriter(machine, output, tableOf);
  const reader = new MessagePackReader(machine);
  return {
    pack: (L) => writer.pack(L),
    unpack: (L) => reader.unpack(L),
    unpack_one: (L) => reader.unpackOne(L),
    unpack_limit: (L) => reader.unpackLimit(L),
    _NAME: 'cmsgpack',
    _VERSION: 'lua-cmsgpack 0.4.0',
  };
}
