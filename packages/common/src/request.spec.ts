import { describe, expect, it } from 'vitest';
import { Request } from './request.js';
import { assigning } from './testing/broken-requests.js';
import { requestConformance } from './testing/index.js';

describe('Request.assign', () => {
  for (const { name, run } of requestConformance) it(name, () => run(assigning()));
});

describe('Request.of', () => {
  for (const { name, run } of requestConformance) {
    it(name, () => run({ next: (args) => Request.of(...args) }));
  }

  it('takes strings as UTF-8', () => {
    expect(Request.of('ECHO', 'ü').length(1)).toBe(2);
  });
});

it('keeps what was set when room is made', () => {
  const request = Request.of('SET', 'k', 'v');
  request.reserve(10_000);
  expect([request.byteString(0), request.byteString(1), request.byteString(2)]).toEqual(['SET', 'k', 'v']);
  expect(request.offsets.length).toBeGreaterThanOrEqual(20_000);
});
