import { expect, it } from 'vitest';
import { pump } from './pump.js';

const hooks = { enter: () => {}, leave: () => {} };

/** A chain of promise reactions and ticks, as long as `length`. */
async function chain(length: number, done: () => void): Promise<void> {
  for (let i = 0; i < length; i++) {
    if (i % 3 === 0) await new Promise<void>((resolve) => process.nextTick(resolve));
    else await null;
  }
  done();
}

it('lets everything that follows from a step happen before the next', async () => {
  const seen: string[] = [];
  let step = 0;
  await pump(() => {
    seen.push(`step ${step}`);
    const name = `after ${step}`;
    void chain((step * 37) % 200, () => seen.push(name));
    return ++step < 300;
  }, hooks);
  await null;
  expect(seen.slice(0, 4)).toEqual(['step 0', 'after 0', 'step 1', 'after 1']);
  for (let i = 0; i < 299; i++) expect(seen[2 * i + 1]).toBe(`after ${i}`);
});

it('ends with what a step throws', async () => {
  let steps = 0;
  const run = pump(() => {
    if (++steps === 100) throw new Error('wrong');
    return true;
  }, hooks);
  await expect(run).rejects.toThrow('wrong');
  expect(steps).toBe(100);
});

it('says when others may run', async () => {
  let isInside = false;
  let outside = 0;
  let isDone = false;
  const watch = () => {
    if (!isInside) outside++;
    if (!isDone) setImmediate(watch);
  };
  let steps = 0;
  const run = pump(
    () => {
      expect(isInside).toBe(true);
      return ++steps < 1000;
    },
    {
      enter: () => {
        isInside = true;
      },
      leave: () => {
        isInside = false;
      },
    },
  );
  setImmediate(watch);
  await run;
  isDone = true;
  expect(isInside).toBe(false);
  expect(outside).toBeGreaterThan(5);
});
