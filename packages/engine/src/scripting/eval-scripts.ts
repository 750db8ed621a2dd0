/**
 * The scripts of EVAL and its kin: found in the cache, or parsed and compiled, in the one interpreter that they share.
 * An interpreter that broke is replaced by the next call; what was compiled in it is compiled anew when it runs.
 */
// @hot-path
import type { Interpreter } from './interpreter.js';
import { type Script, ScriptCache, shaOf } from './script-cache.js';
import { problemOf } from './script-error.js';

export class EvalScripts {
  readonly cache = new ScriptCache();
  readonly #open: () => Interpreter;
  #interpreter: Interpreter | null = null;
  #bytesMax: number;

  /** `open` makes an interpreter; scripts, and in it their values, take at most `bytesMax`. */
  constructor(open: () => Interpreter, bytesMax: number) {
    this.#open = open;
    this.#bytesMax = bytesMax;
  }

  get interpreter(): Interpreter {
    if (this.#interpreter === null || this.#interpreter.isBroken) this.#interpreter = this.#open();
    return this.#interpreter;
  }

  /** Bytes that the values of scripts take. */
  get usedBytes(): number {
    return this.#interpreter?.machine.usedBytes ?? 0;
  }

  /** The script with this code, compiled; or what is wrong with it. `isTransient`: only EVAL brings it. */
  load(code: Uint8Array, isTransient: boolean): Script | string {
    const { cache } = this;
    const sha = shaOf(code);
    const known = cache.find(sha);
    if (known !== null) {
      if (isTransient) cache.noteCode(known, code);
      else cache.keep(known);
      return known;
    }
    if (cache.bytes + code.length > this.#bytesMax) {
      return 'ERR the script cache is full: SCRIPT FLUSH empties it, lua-memory-limit sets its size';
    }
    const script = cache.parse(code, sha, isTransient);
    if (typeof script === 'string') return script;
    const problem = this.compile(script);
    if (problem !== '') return problem;
    cache.add(script);
    if (isTransient) cache.noteCode(script, code);
    return script;
  }

  /** Compiles a script for the interpreter that there is now; what is wrong with it, or ''. */
  compile(script: Script): string {
    const { interpreter } = this;
    const code = Buffer.from(script.code, 'latin1').subarray(script.headLength);
    try {
      const compiled = interpreter.compile(code, '@user_script');
      if (typeof compiled === 'string') return `ERR Error compiling script (new function): ${compiled}`;
      script.compiled = compiled;
      return '';
    } catch (error) {
      interpreter.isBroken = true;
      return `ERR Error compiling script (new function): ${problemOf(error)}`;
    }
  }

  /** Forgets all scripts, and what they left in the interpreter. */
  flush(): void {
    this.cache.clear();
    this.#interpreter = null;
  }

  limitMemory(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    if (this.#interpreter !== null) this.#interpreter.machine.bytesMax = bytesMax;
  }
}
