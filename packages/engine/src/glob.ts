/**
 * Glob patterns as Redis matches them: `*`, `?`, `[a-z]`, `[^a-z]`, and `\` before a literal. Byte strings
 * in, no allocation, and no exponential time: after a mismatch only the last `*` is tried again.
 */

/** Whether the whole of `text` matches `pattern`; with `ignoreCase`, ASCII letters match in any case. */
export function globMatch(pattern: string, text: string, ignoreCase = false): boolean {
  const p = ignoreCase ? pattern.toLowerCase() : pattern;
  const t = ignoreCase ? text.toLowerCase() : text;
  let i = 0;
  let at = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (at < t.length) {
    const c = p.charCodeAt(i);
    if (c === 42) {
      starAt = ++i;
      resumeAt = at;
      if (i === p.length) return true;
      continue;
    }
    const next = i < p.length ? matchOne(p, i, t.charCodeAt(at)) : -1;
    if (next >= 0) {
      i = next;
      at++;
    } else if (starAt >= 0) {
      i = starAt;
      at = ++resumeAt;
    } else {
      return false;
    }
  }
  while (p.charCodeAt(i) === 42) i++;
  return i >= p.length;
}

/** Matches one element of the pattern at `i` against a character; the position after it, or -1. */
function matchOne(p: string, i: number, c: number): number {
  const first = p.charCodeAt(i);
  if (first === 63) return i + 1;
  if (first === 91) return matchClass(p, i + 1, c);
  if (first === 92 && i + 1 < p.length) return p.charCodeAt(i + 1) === c ? i + 2 : -1;
  return first === c ? i + 1 : -1;
}

function matchClass(p: string, start: number, c: number): number {
  let i = start;
  const negated = p.charCodeAt(i) === 94;
  if (negated) i++;
  let matched = false;
  while (i < p.length && p.charCodeAt(i) !== 93) {
    let low = p.charCodeAt(i);
    if (low === 92 && i + 1 < p.length) {
      low = p.charCodeAt(++i);
      if (low === c) matched = true;
      i++;
      continue;
    }
    if (p.charCodeAt(i + 1) === 45 && i + 2 < p.length) {
      let high = p.charCodeAt(i + 2);
      if (low > high) [low, high] = [high, low];
      if (c >= low && c <= high) matched = true;
      i += 3;
      continue;
    }
    if (low === c) matched = true;
    i++;
  }
  return matched !== negated ? Math.min(i + 1, p.length) : -1;
}
