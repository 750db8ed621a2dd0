/** How the JavaScript engine is asked to compile a server, and to collect its garbage. */
import { setFlagsFromString } from 'node:v8';

/**
 * A command passes some thirty small functions. The engine's usual budget for inlining ends in the middle of
 * them; with this one, commands take 10 to 20% less time. To be called before anything has become hot.
 *
 * Data lie outside the engine's heap, so a collection of young objects finds next to nothing alive. Shared among
 * threads it takes as long as the slowest of them is not scheduled: where the processors are busy, ten times as long.
 */
export function tuneRuntime(): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000');
  setFlagsFromString('--max-inlined-bytecode-size=1000');
  setFlagsFromString('--no-parallel-scavenge');
}
