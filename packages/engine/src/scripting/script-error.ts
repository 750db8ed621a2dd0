/** The error that ended a script, as a reply: what it says, and where in the script it came from. */
import { LuaPanic } from './lua/binary.js';
import { luaTypes } from './lua/exports.js';
import type { LuaMachine } from './lua/machine.js';
import type { ScriptRun } from './script-run.js';

/** Of the description of an activation, as `lua_getinfo` fills it: its size, and where the parts are. */
const activation = { bytes: 128, what: 12, source: 16, line: 20 } as const;

/** What is asked for to write an error: made while there is memory. */
export const errorNames = ['Sl', 'err', 'ignore_error_stats_update'] as const;

/** Writes the error on top of the script's thread. Whether the statistics have it already. */
export function writeScriptError({ interpreter, name, reply }: ScriptRun): boolean {
  const { machine, threads } = interpreter;
  const L = threads.script;
  const place = placeOf(machine, L);
  const where = place === '' ? '' : ` script: ${name}, on ${place}.`;
  if (machine.api.lua_type(L, -1) !== luaTypes.table) {
    reply.error(`ERR ${describe(machine, L)}${where}`);
    return false;
  }
  const message = fieldOf(machine, L, 'err') ?? 'ERR unknown error';
  reply.error(message + where);
  return isMarkedAsCounted(machine, L);
}

/** `@user_script:3`: the line that was running in the innermost function that is Lua; '' when there is none. */
function placeOf(machine: LuaMachine, L: number): string {
  const { api } = machine;
  const record = api.malloc(activation.bytes);
  if (record === 0) return '';
  let place = '';
  for (let level = 0; level < 2; level++) {
    if (api.lua_getstack(L, level, record) === 0) break;
    api.lua_getinfo(L, machine.cString('Sl'), record);
    const what = machine.cStringAt(machine.i32[(record + activation.what) >> 2]);
    const source = machine.cStringAt(machine.i32[(record + activation.source) >> 2]);
    place = `${source}:${machine.i32[(record + activation.line) >> 2]}`;
    if (what !== 'C') break;
  }
  api.free(record);
  return place;
}

function describe(machine: LuaMachine, L: number): string {
  const { api } = machine;
  const text = machine.text(L, -1);
  if (text !== null) return text;
  const slot = machine.topSlot(L);
  if (machine.typeAt(slot) === luaTypes.boolean) return machine.i32[slot >> 2] === 0 ? 'false' : 'true';
  return machine.cStringAt(api.lua_typename(L, machine.typeAt(slot)));
}

/** A field of the table on top, if it is a text. */
export function fieldOf(machine: LuaMachine, L: number, name: string): string | null {
  machine.push(L, machine.constant(name), luaTypes.string);
  machine.api.lua_rawget(L, -2);
  const text = machine.text(L, -1);
  machine.api.lua_settop(L, -2);
  return text;
}

function isMarkedAsCounted(machine: LuaMachine, L: number): boolean {
  machine.push(L, machine.constant('ignore_error_stats_update'), luaTypes.string);
  machine.api.lua_rawget(L, -2);
  const slot = machine.topSlot(L);
  const isMarked = machine.typeAt(slot) === luaTypes.boolean && machine.i32[slot >> 2] !== 0;
  machine.api.lua_settop(L, -2);
  return isMarked;
}

/** What an error says that ends an interpreter; '' for one that has another cause. */
export function problemOf(error: unknown): string {
  if (error instanceof LuaPanic) return 'not enough memory';
  if (error instanceof RangeError) return 'its calls were nested too deep';
  if (error instanceof Error && error.name === 'RuntimeError')
    return `the interpreter failed: ${error.message}`;
  return '';
}
