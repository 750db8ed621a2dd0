/** Waiting for what happens in its own time: for a condition, with a deadline. */
const deadlineMs = 10_000;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export async function until(what: string, condition: () => unknown): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`);
    await pause(5);
  }
}
