/**
 * The Lua 5.1 interpreter as WebAssembly: the binary of `wasmoon-lua5.1`, and what it wants of its host.
 *
 * Only the binary is used, not the package's JavaScript: so that its memory has a limit, nothing of the machine is
 * within a script's reach (no files, no clock, no environment), and a call in or out costs some nanoseconds.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { LuaExports } from './exports.js';

type Imports = Record<string, Record<string, unknown>>;

interface WrapperExports {
  readonly f: unknown;
}

interface BinaryModule {
  readonly kind: 'WebAssembly.Module';
}

/** The part that is used here: TypeScript knows it only with the types of browsers. */
declare const WebAssembly: {
  readonly Module: {
    new (bytes: Uint8Array): BinaryModule;
    imports(module: BinaryModule): readonly { readonly module: string; readonly name: string }[];
  };
  readonly Instance: new (module: BinaryModule, imports: Imports) => { readonly exports: unknown };
};

/** What calls out of the interpreter need of the memory it lives in. */
export interface LuaHost {
  /** Set right after instantiation, before anything runs. */
  exports: LuaExports;
  /** Bytes of the interpreter's memory. */
  bytes: Uint8Array;
  /** The functions of its table that were called under `setjmp`, each of which a lookup there would wrap anew. */
  readonly callables: ((...args: number[]) => number)[];
  /** Grows the memory to at least `bytes`; false when that is not to be had. */
  grow(bytes: number): boolean;
}

/** Thrown through JavaScript by Lua's longjmp: never to be caught for good on the way. */
export const longJump = Number.POSITIVE_INFINITY;

/** The interpreter gave up: an error that nothing protects from, such as memory running out between calls. */
export class LuaPanic extends Error {
  override readonly name = 'LuaPanic';
}

/** What a system call says that there is not: ENOSYS. */
const notSupported = -52;

let compiled: BinaryModule | null = null;

/** Compiled once for the process, when the first script runs. */
function binary(): BinaryModule {
  const path = createRequire(import.meta.url).resolve('wasmoon-lua5.1/dist/liblua5.1.wasm');
  compiled ??= new WebAssembly.Module(readFileSync(path));
  return compiled;
}

export function instantiate(host: LuaHost): LuaExports {
  const env = {
    exit() {
      throw new LuaPanic('the interpreter gave up');
    },
    _emscripten_throw_longjmp() {
      throw longJump;
    },
    invoke_vii(index: number, a: number, b: number) {
      invoke(host, index, a, b);
    },
    emscripten_memcpy_js(target: number, source: number, length: number) {
      host.bytes.copyWithin(target, source, source + length);
    },
    emscripten_resize_heap: (bytes: number) => (host.grow(bytes >>> 0) ? 1 : 0),
  };
  const imports: Imports = {};
  for (const { module, name } of WebAssembly.Module.imports(binary())) {
    imports[module] ??= {};
    imports[module][name] = (env as Record<string, unknown>)[name] ?? (() => notSupported);
  }
  return new WebAssembly.Instance(binary(), imports).exports as LuaExports;
}

/** A call that a longjmp may end: the other half of setjmp. No function of the table is ever replaced. */
function invoke({ callables, exports }: LuaHost, index: number, a: number, b: number): void {
  const stack = exports.stackSave();
  const callable = callables[index] ?? exports.__indirect_function_table.get(index);
  callables[index] = callable;
  try {
    callable(a, b);
  } catch (thrown) {
    if (thrown !== longJump) throw thrown;
    exports.stackRestore(stack);
    exports.setThrew(1, 0);
  }
}

const wrappers = new Map<number, BinaryModule>();

/**
 * A JavaScript function as one that WebAssembly can put into its table: it takes `parameters` integers, and returns one
 * or nothing. A module of its own that does no more than import and export it:
 *
 *     | magic, version | type: (i32 x parameters) -> i32 | import "e" "f" | export "f" |
 */
export function wrapFunction(
  parameters: number,
  results: 0 | 1,
  body: (...args: number[]) => number,
): unknown {
  const key = parameters * 2 + results;
  let module = wrappers.get(key);
  if (module === undefined) {
    const integers = (count: number): number[] => [count, ...new Array(count).fill(0x7f)];
    const type = [0x60, ...integers(parameters), ...integers(results)];
    const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const imported = [2, 7, 1, 1, 0x65, 1, 0x66, 0, 0];
    const exported = [7, 5, 1, 1, 0x66, 0, 0];
    module = new WebAssembly.Module(
      Uint8Array.from([...header, 1, type.length + 1, 1, ...type, ...imported, ...exported]),
    );
    wrappers.set(key, module);
  }
  return (new WebAssembly.Instance(module, { e: { f: body } }).exports as WrapperExports).f;
}
