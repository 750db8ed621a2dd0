/**
 * The functions that FCALL finds: loads, restores and deletes libraries, in the interpreter and in the data alike.
 *
 * When the data comes from elsewhere (the server started, goes on with another storage, or follows what others write)
 * the catalog is filled anew from it before it is next used.
 */
import { KvError, type Reply, textOfByteString } from '@holdfast/common';
import { dumpLibraries, isPayload, readLibraries, systemDatabase } from '@holdfast/storage';
import type { KV } from '../kv.js';
import { FunctionLibraries, type FunctionLibrary, type ScriptFunction } from './function-libraries.js';
import type { Interpreter } from './interpreter.js';
import { LibraryLoader } from './library-loader.js';
import { parseLibraryHead } from './shebang.js';

/** What becomes of the libraries that are there when others are restored. */
export type RestorePolicy = 'FLUSH' | 'APPEND' | 'REPLACE';

const wrongPayload = 'ERR DUMP payload version or checksum are wrong';
const damagedPayload = 'ERR failed loading the given functions payload';

export class FunctionCatalog {
  readonly #kv: KV;
  readonly #libraries: FunctionLibraries;
  readonly #loader: LibraryLoader;
  readonly #newInterpreter: () => Interpreter;
  #interpreter: Interpreter | null = null;
  /** The data may have libraries that are not here, or lack some that are. */
  #isStale = true;
  /** What had come from elsewhere when the catalog was filled. */
  #appliedRecords = 0;

  constructor(kv: KV, newInterpreter: () => Interpreter) {
    this.#kv = kv;
    this.#libraries = new FunctionLibraries(kv);
    this.#newInterpreter = newInterpreter;
    this.#loader = new LibraryLoader(kv, () => this.interpreter);
  }

  /** Where functions run. Made anew, with all libraries, when it broke. */
  get interpreter(): Interpreter {
    if (this.#interpreter?.isBroken) this.invalidate();
    this.#interpreter ??= this.#newInterpreter();
    return this.#interpreter;
  }

  /** The data came from elsewhere. */
  invalidate(): void {
    this.#interpreter = null;
    this.#libraries.unlinkAll();
    this.#isStale = true;
  }

  /** The libraries, as the data has them. Throws KvError CORRUPT when one can't be loaded. */
  get libraries(): FunctionLibraries {
    const { appliedRecords } = this.#kv.storage.database(systemDatabase);
    if (this.#interpreter?.isBroken || appliedRecords !== this.#appliedRecords) this.invalidate();
    if (!this.#isStale) return this.#libraries;
    this.#isStale = false;
    this.#appliedRecords = appliedRecords;
    for (const code of this.#libraries.stored()) {
      const library = this.#loader.load(code);
      if (typeof library === 'string') {
        this.invalidate();
        throw new KvError('CORRUPT', `a library of functions can not be loaded: ${library}`);
      }
      this.#libraries.link(library);
    }
    return this.#libraries;
  }

  /** Loads what the data has, if that is not done. Throws KvError CORRUPT when something can't be loaded. */
  prepare(): void {
    void this.libraries;
  }

  find(name: string): ScriptFunction | undefined {
    return this.libraries.findFunction(name);
  }

  /** FUNCTION LOAD: replies the name of the library, or what is wrong with it. */
  load(code: string, replaces: boolean, reply: Reply): void {
    const library = this.#newLibrary(code, replaces);
    if (typeof library === 'string') return reply.error(library);
    this.#put(library);
    reply.byteString(library.name);
  }

  /** FUNCTION DELETE: whether there was such a library. */
  delete(name: string): boolean {
    const library = this.libraries.get(name);
    if (library === undefined) return false;
    this.#remove(library);
    return true;
  }

  /** FUNCTION FLUSH: nothing of any library is left, in the interpreter either. */
  clear(): void {
    for (const { name } of this.libraries.all()) this.#libraries.erase(name);
    this.#libraries.unlinkAll();
    this.#interpreter = null;
  }

  /** FUNCTION DUMP. */
  dump(): Buffer {
    return dumpLibraries(Array.from(this.libraries.all(), ({ code }) => code));
  }

  /** FUNCTION RESTORE: all libraries of the payload, or none. */
  restore(payload: Buffer, policy: RestorePolicy, reply: Reply): void {
    if (!isPayload(payload, { checksum: !this.#kv.skipsChecksums })) return reply.error(wrongPayload);
    const codes = readCodes(payload);
    if (typeof codes === 'string') return reply.error(codes);
    const restored: FunctionLibrary[] = [];
    const problem = this.#loadAll(codes, restored) || this.#conflictOf(restored, policy);
    if (problem !== '') {
      for (const library of restored) this.#loader.release(library);
      return reply.error(problem);
    }
    if (policy === 'FLUSH') for (const library of [...this.libraries.all()]) this.#remove(library);
    for (const library of restored) this.#put(library);
    reply.ok();
  }

  /** Called now and then while a library is loading. */
  onHook(interpreter: Interpreter, L: number): void {
    this.#loader.onHook(interpreter, L);
  }

  /** Bytes that the values of functions take. */
  get usedBytes(): number {
    return this.#interpreter?.machine.usedBytes ?? 0;
  }

  limitMemory(bytesMax: number): void {
    if (this.#interpreter !== null) this.#interpreter.machine.bytesMax = bytesMax;
  }

  /** Loads a library that may be put: its functions have names that nobody else uses. Or says why not. */
  #newLibrary(code: string, replaces: boolean): FunctionLibrary | string {
    const { libraries } = this;
    const head = parseLibraryHead(code);
    if (typeof head === 'string') return textOfByteString(head);
    if (!replaces && libraries.get(head.name) !== undefined)
      return `ERR Library '${head.name}' already exists`;
    if (libraries.bytes + code.length > this.#kv.config.number('lua-memory-limit')) {
      return 'ERR the libraries of functions take too much memory: lua-memory-limit sets how much they may';
    }
    const library = this.#loader.load(code);
    if (typeof library === 'string') return library;
    const collision = libraries.collisionOf([library], [library.name]);
    if (collision === null) return library;
    this.#loader.release(library);
    return `ERR Function ${collision} already exists`;
  }

  /** Loads libraries into `loaded`, up to the first one that can't be; why it can't, or ''. */
  #loadAll(codes: readonly string[], loaded: FunctionLibrary[]): string {
    for (const code of codes) {
      const library = this.#loader.load(code);
      if (typeof library === 'string') return library;
      const isTwice = loaded.some(({ name }) => name === library.name);
      loaded.push(library);
      if (isTwice) return `ERR Library '${library.name}' already exists`;
    }
    return '';
  }

  /** What prevents that libraries are put, or ''. */
  #conflictOf(restored: readonly FunctionLibrary[], policy: RestorePolicy): string {
    const { libraries } = this;
    const present = restored.find(({ name }) => libraries.get(name) !== undefined);
    if (policy === 'APPEND' && present !== undefined) return `ERR Library ${present.name} already exists`;
    const leaving = policy === 'FLUSH' ? libraries.all() : restored;
    const collision = libraries.collisionOf(
      restored,
      Array.from(leaving, ({ name }) => name),
    );
    return collision === null ? '' : `ERR Function ${collision} already exists`;
  }

  #put(library: FunctionLibrary): void {
    const replaced = this.#libraries.get(library.name);
    if (replaced !== undefined) this.#loader.release(replaced);
    this.#libraries.link(library);
    this.#libraries.store(library);
  }

  #remove(library: FunctionLibrary): void {
    this.#loader.release(library);
    this.#libraries.unlink(library.name);
    this.#libraries.erase(library.name);
  }
}

function readCodes(payload: Buffer): string[] | string {
  try {
    const codes = readLibraries(payload);
    return typeof codes === 'string' ? `ERR ${codes}` : codes;
  } catch (error) {
    if (error instanceof KvError && error.code === 'CORRUPT') return damagedPayload;
    throw error;
  }
}
