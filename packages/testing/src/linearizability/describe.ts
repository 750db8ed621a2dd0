/** Operations for people, unless their model says it better. */
import type { Json } from '../history/operation.js';

/** `set("k", 5) -> true` for an input `{ op: 'set', key: 'k', value: 5 }`. Without the arrow when not known. */
export function describeCall(input: Json, output: Json | undefined): string {
  const isNamed = typeof input === 'object' && input !== null && 'op' in input;
  const { op, ...rest } = isNamed ? (input as { [name: string]: Json }) : { op: '', value: input };
  return call(String(op), Object.values(rest), output);
}

/** `name(argument, ...) -> output`. */
export function call(name: string, args: readonly Json[], output: Json | undefined): string {
  const shown = `${name}(${args.map((argument) => JSON.stringify(argument)).join(', ')})`;
  return output === undefined ? shown : `${shown} -> ${JSON.stringify(output)}`;
}
