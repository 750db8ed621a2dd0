import { describe, expect, it } from 'vitest';
import { PromptReads } from './prompt-reads.js';

/** Reads that take as long as the test says, of a device that was waited for as often as it says. */
function begin() {
  let nowMs = 0;
  let deviceReads = 0;
  let endTurn = () => {};
  const prompt = new PromptReads(
    {
      clock: { now: () => 0, monotonic: () => nowMs },
      timers: {
        setTimeout: () => ({}),
        clearTimeout: () => {},
        setImmediate: (callback) => {
          endTurn = callback;
        },
      },
    },
    () => deviceReads,
  );
  const read = (tookMs: number, waits: number): boolean => {
    if (!prompt.begin()) return false;
    nowMs += tookMs;
    deviceReads += waits;
    prompt.ended();
    return true;
  };
  const pass = (ms: number): void => {
    nowMs += ms;
    endTurn();
  };
  return { read, pass };
}

describe('PromptReads', () => {
  it('what waited for the device is paid for with a rest of fifty times as long', () => {
    const { read, pass } = begin();
    expect(read(2, 1)).toBe(true);
    pass(99);
    expect(read(0.01, 0)).toBe(false);
    pass(1);
    expect(read(0.01, 0)).toBe(true);
    expect(read(0.01, 0)).toBe(true);
  });

  it('a read that was slow without the device is no reason to rest', () => {
    const { read } = begin();
    expect(read(0.05, 1)).toBe(true);
    expect(read(0.05, 0)).toBe(true);
    expect(read(0.05, 0)).toBe(true);
    // Of a wait that nobody noticed it is taken to be the one.
    expect(read(0.2, 0)).toBe(true);
    expect(read(0.01, 0)).toBe(false);
  });

  it('reads of a turn end after a few milliseconds, and go on in the next one', () => {
    const { read, pass } = begin();
    let count = 0;
    while (read(0.5, 0)) count++;
    expect(count).toBe(8);
    pass(0);
    expect(read(0.5, 0)).toBe(true);
  });
});
