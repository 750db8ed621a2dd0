import { expect, it } from 'vitest';
import { closeCursor, openCursor } from './scan-cursor.js';

it('tells the shard and its own cursor, over memory or a disk: those over a disk were taken for the first shard', () => {
  for (const place of [0, 1, 2, 125, 500]) {
    for (const inside of [
      0n,
      1n,
      2n ** 32n - 1n,
      2n ** 47n,
      2n ** 47n + 12345678901n,
      2n ** 47n + 2n ** 46n - 1n,
    ]) {
      const closed = closeCursor({ place, inside });
      expect(openCursor(closed)).toEqual({ place, inside });
      if (place === 0) expect(closed).toBe(inside);
      if (place <= 125) expect(closed).toBeLessThan(2n ** 53n);
    }
  }
});
