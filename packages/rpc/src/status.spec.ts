import { status as codes, Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { errorDetailsOf, statusOf } from './status.js';

describe('statuses', () => {
  it('carry a reason and metadata', () => {
    const details = { reason: 'VERSION_MISMATCH', metadata: { version: '7' } };
    const status = statusOf(codes.ABORTED, 'VERSION_MISMATCH no', details);
    expect(status).toMatchObject({ code: codes.ABORTED, details: 'VERSION_MISMATCH no' });
    expect(errorDetailsOf(status)).toEqual(details);
  });

  it('shorten messages that no header could hold', () => {
    const status = statusOf(codes.UNKNOWN, 'x'.repeat(100_000), { reason: 'ERR', metadata: {} });
    expect(status.details.length).toBeLessThan(2000);
  });

  it('cut in the middle of a character are text that can be sent', () => {
    for (const text of ['\u{1f600}'.repeat(600), `x${'\u{1f600}'.repeat(600)}`, 'half \ud83d of one']) {
      const { details } = statusOf(codes.UNKNOWN, text, { reason: 'ERR', metadata: {} });
      expect(() => encodeURI(details)).not.toThrow();
    }
  });

  it('of others have no details', () => {
    expect(errorDetailsOf({ metadata: new Metadata() })).toBeNull();
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from('nonsense'));
    expect(errorDetailsOf({ metadata })).toBeNull();
  });
});
