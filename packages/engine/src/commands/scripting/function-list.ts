/** FUNCTION LIST: libraries, their functions and, if wanted, their code. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { globMatch } from '../../glob.js';
import type { FunctionLibrary, ScriptFunction } from '../../scripting/function-libraries.js';
import { scriptFlagNames } from '../../scripting/script-run.js';

export interface ListOptions {
  /** Byte string; null for all. */
  readonly pattern: string | null;
  readonly withCode: boolean;
}

/** Reads the options from argument 2 on; what is wrong with them, as an error. */
export function readListOptions({ request }: Context): ListOptions | string {
  let pattern: string | null = null;
  let withCode = false;
  for (let i = 2; i < request.count; i++) {
    if (!withCode && request.is(i, 'WITHCODE')) {
      withCode = true;
    } else if (pattern === null && request.is(i, 'LIBRARYNAME')) {
      if (i === request.count - 1) return 'ERR library name argument was not given';
      pattern = request.byteString(++i);
    } else {
      return `ERR Unknown argument ${request.text(i)}`;
    }
  }
  return { pattern, withCode };
}

export function replyLibraries(ctx: Context, { pattern, withCode }: ListOptions, reply: Reply): void {
  ctx.dependOnAll();
  const libraries = [...ctx.kv.scripting.functions.libraries.all()].filter(
    ({ name }) => pattern === null || globMatch(pattern, name, true),
  );
  reply.array(libraries.length);
  for (const library of libraries) replyLibrary(library, withCode, reply);
}

function replyLibrary({ name, functions, code }: FunctionLibrary, withCode: boolean, reply: Reply): void {
  reply.map(withCode ? 4 : 3);
  reply.text('library_name');
  reply.byteString(name);
  reply.text('engine');
  reply.text('LUA');
  reply.text('functions');
  reply.array(functions.length);
  for (const each of functions) replyFunction(each, reply);
  if (!withCode) return;
  reply.text('library_code');
  reply.byteString(code);
}

function replyFunction({ name, description, flags }: ScriptFunction, reply: Reply): void {
  reply.map(3);
  reply.text('name');
  reply.byteString(name);
  reply.text('description');
  if (description === null) reply.null();
  else reply.byteString(description);
  reply.text('flags');
  const names = scriptFlagNames.filter(([, flag]) => (flags & flag) !== 0);
  reply.set(names.length);
  for (const [flag] of names) reply.simple(flag);
}
