/**
 * Makes a failing list smaller for as long as it fails: without halves of it, quarters and so on down to single
 * items; then each item in simpler forms.
 */
export interface ShrinkOptions<T> {
  /** Whether the list still fails in the same way. */
  readonly fails: (items: readonly T[]) => Promise<boolean>;
  /** Simpler forms of an item, the simplest first. */
  readonly simpler: (item: T) => readonly T[];
  /** How often `fails` is asked at most. */
  readonly attemptsMax: number;
}

export async function shrink<T>(failing: readonly T[], options: ShrinkOptions<T>): Promise<readonly T[]> {
  let items = failing;
  let attempts = 0;
  const take = async (candidate: readonly T[]): Promise<boolean> => {
    if (attempts >= options.attemptsMax) return false;
    attempts++;
    if (!(await options.fails(candidate))) return false;
    items = candidate;
    return true;
  };
  const leaveOut = async (): Promise<void> => {
    for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let at = items.length - size; at > -size; at -= size)
        await take(items.toSpliced(Math.max(at, 0), at < 0 ? size + at : size));
  };
  await leaveOut();
  for (let i = items.length - 1; i >= 0; i--) {
    for (let isSimplified = true; isSimplified; ) {
      isSimplified = false;
      for (const form of options.simpler(items[i])) {
        isSimplified = await take(items.with(i, form));
        if (isSimplified) break;
      }
    }
  }
  await leaveOut();
  return items;
}
