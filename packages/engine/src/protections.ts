/** What only those may do whom a parameter allows it: everybody, nobody, or clients of this machine. */
import type { Context } from './context.js';

export function isAllowed(
  { kv, session }: Pick<Context, 'kv' | 'session'>,
  parameter: 'enable-debug-command' | 'enable-protected-configs',
): boolean {
  const allowed = kv.config.text(parameter);
  if (allowed !== 'local') return allowed === 'yes';
  return /^(127\.|\[::1\]|unix|\/)/.test(session.address);
}
