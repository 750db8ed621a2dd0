/**
 * Libraries of functions: what FUNCTION LOAD brought. Their code is data, kept in the storage's system database under
 * the name of the library, and so in the log, in snapshots and in every copy. What it compiles to is kept here.
 */
import { type Database, stringForms, systemDatabase } from '@holdfast/storage';
import type { KV } from '../kv.js';
import type { CompiledFunction } from './interpreter.js';

export interface ScriptFunction {
  readonly name: string;
  /** Null when it has none. */
  readonly description: string | null;
  /** `scriptFlags`. */
  readonly flags: number;
  readonly callback: CompiledFunction;
}

export interface FunctionLibrary {
  readonly name: string;
  /** Byte string, its first line included. */
  readonly code: string;
  readonly functions: readonly ScriptFunction[];
}

export class FunctionLibraries {
  readonly #kv: KV;
  readonly #libraries = new Map<string, FunctionLibrary>();
  /** By their names in lower case: to call a function its case does not matter. */
  readonly #functions = new Map<string, ScriptFunction>();

  constructor(kv: KV) {
    this.#kv = kv;
  }

  get size(): number {
    return this.#libraries.size;
  }

  get functionCount(): number {
    return this.#functions.size;
  }

  /** Bytes of code. */
  get bytes(): number {
    let bytes = 0;
    for (const { code } of this.#libraries.values()) bytes += code.length;
    return bytes;
  }

  all(): Iterable<FunctionLibrary> {
    return this.#libraries.values();
  }

  get(name: string): FunctionLibrary | undefined {
    return this.#libraries.get(name);
  }

  findFunction(name: string): ScriptFunction | undefined {
    return this.#functions.get(name.toLowerCase());
  }

  /** A function of `added` whose name another library has, those of `replaced` aside; null when there is none. */
  collisionOf(added: readonly FunctionLibrary[], replaced: readonly string[]): string | null {
    const taken = new Set<string>();
    for (const { functions, name } of this.#libraries.values()) {
      if (!replaced.includes(name)) for (const each of functions) taken.add(each.name.toLowerCase());
    }
    for (const { functions } of added) {
      const own = functions.map(({ name }) => name);
      const found = own.find((name) => taken.has(name.toLowerCase()));
      if (found !== undefined) return found;
      for (const name of own) taken.add(name.toLowerCase());
    }
    return null;
  }

  /** Adds a library, or replaces the one of its name, here only. */
  link(library: FunctionLibrary): void {
    this.unlink(library.name);
    this.#libraries.set(library.name, library);
    for (const each of library.functions) this.#functions.set(each.name.toLowerCase(), each);
  }

  unlink(name: string): void {
    const library = this.#libraries.get(name);
    if (library === undefined) return;
    this.#libraries.delete(name);
    for (const each of library.functions) this.#functions.delete(each.name.toLowerCase());
  }

  unlinkAll(): void {
    this.#libraries.clear();
    this.#functions.clear();
  }

  // The data

  /** The code of all libraries in the storage, as byte strings. They must be resident. */
  stored(): string[] {
    const { arena, dict } = this.#database;
    const names: Buffer[] = [];
    dict.forEach((ref) => {
      const start = dict.keyStart(ref);
      names.push(Buffer.from(arena.chunk(ref).subarray(start, start + dict.keyLength(ref))));
    });
    return names.map((name) => this.#read(name)).sort();
  }

  store({ name, code }: FunctionLibrary): void {
    const database = this.#database;
    const key = Buffer.from(name, 'latin1');
    const value = Buffer.from(code, 'latin1');
    const ref = database.find(key, 0, key.length);
    database.putString(ref, key, 0, key.length, value, 0, value.length, 0, stringForms.plain);
  }

  erase(name: string): void {
    const database = this.#database;
    const key = Buffer.from(name, 'latin1');
    const ref = database.find(key, 0, key.length);
    if (ref !== 0) database.remove(ref);
  }

  get #database(): Database {
    return this.#kv.storage.database(systemDatabase);
  }

  #read(name: Buffer): string {
    const database = this.#database;
    database.readString(database.find(name, 0, name.length));
    const { valueBytes, valueStart, valueLength } = database;
    return Buffer.from(valueBytes.subarray(valueStart, valueStart + valueLength)).toString('latin1');
  }
}
