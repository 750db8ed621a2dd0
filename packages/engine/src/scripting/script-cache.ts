/**
 * The scripts that EVALSHA finds. Those of SCRIPT LOAD stay until SCRIPT FLUSH; those that only EVAL brought are
 * forgotten when there are too many, the one that was used longest ago first.
 */
import { createHash } from 'node:crypto';
import type { CompiledFunction, Interpreter } from './interpreter.js';
import { parseScriptHead } from './shebang.js';

/** Scripts that only EVAL brought, at most. */
export const evalScriptsMax = 500;

/** What a script takes besides its code, roughly, in bytes. */
const overheadBytes = 200;

export class Script {
  /** 40 hex digits. */
  readonly sha: string;
  /** Byte string. */
  readonly code: string;
  /** `scriptFlags`. */
  readonly flags: number;
  /** What of the code is its first line. */
  readonly headLength: number;
  /** Brought by EVAL alone. */
  isTransient: boolean;
  /** Null until it runs in an interpreter; then it belongs to that one. */
  compiled: CompiledFunction | null = null;
  owner: Interpreter | null = null;

  constructor(sha: string, code: string, flags: number, headLength: number, isTransient: boolean) {
    this.sha = sha;
    this.code = code;
    this.flags = flags;
    this.headLength = headLength;
    this.isTransient = isTransient;
  }
}

export function shaOf(code: Uint8Array): string {
  return createHash('sha1').update(code).digest('hex');
}

export class ScriptCache {
  /** By their SHA-1, those of EVAL in the order of their last use. */
  readonly #scripts = new Map<string, Script>();
  #transients = new Map<string, Script>();
  /** How many were forgotten, since the server started. */
  evicted = 0;
  bytes = 0;

  get size(): number {
    return this.#scripts.size;
  }

  /** Case does not matter. */
  find(sha: string): Script | null {
    return this.#scripts.get(sha) ?? this.#scripts.get(sha.toLowerCase()) ?? null;
  }

  /** The script's use is noted. */
  touch(script: Script): void {
    if (!script.isTransient) return;
    this.#transients.delete(script.sha);
    this.#transients.set(script.sha, script);
  }

  /** A script that is not there yet, or what is wrong with its first line. Not added. */
  parse(code: Uint8Array, sha: string, isTransient: boolean): Script | string {
    const text = Buffer.from(code).toString('latin1');
    const head = parseScriptHead(text);
    return typeof head === 'string' ? head : new Script(sha, text, head.flags, head.length, isTransient);
  }

  add(script: Script): void {
    this.#scripts.set(script.sha, script);
    this.bytes += script.code.length + overheadBytes;
    if (!script.isTransient) return;
    this.#transients.set(script.sha, script);
    if (this.#transients.size <= evalScriptsMax) return;
    const [oldest] = this.#transients.values();
    this.#remove(oldest);
    this.evicted++;
  }

  /** It stays until SCRIPT FLUSH from now on. */
  keep(script: Script): void {
    script.isTransient = false;
    this.#transients.delete(script.sha);
  }

  clear(): void {
    this.#scripts.clear();
    this.#transients.clear();
    this.bytes = 0;
  }

  #remove(script: Script): void {
    this.#scripts.delete(script.sha);
    this.#transients.delete(script.sha);
    this.bytes -= script.code.length + overheadBytes;
    if (script.compiled !== null && script.owner !== null && !script.owner.isBroken) {
      script.owner.release(script.compiled);
    }
    script.compiled = null;
  }
}
