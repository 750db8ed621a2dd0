import { describe, expect, it } from 'vitest';
import { idOf } from '../testing/stream-text.js';
import { StreamId } from './stream-id.js';

describe('StreamId', () => {
  const texts = [
    '0-0',
    '0-1',
    '0-4294967295',
    '0-4294967296',
    '1-0',
    '4294967296-0',
    '1526919030474-55',
    '9007199254740993-18446744073709551615',
    '18446744073709551615-18446744073709551615',
  ];

  it('is written in decimal, whatever its size', () => {
    expect(texts.map((text) => String(idOf(text)))).toEqual(texts);
  });

  it('has an order, a next one and one before', () => {
    const ids = texts.map(idOf);
    for (let i = 0; i + 1 < ids.length; i++) {
      expect(ids[i].compare(ids[i + 1])).toBeLessThan(0);
      expect(ids[i + 1].compare(ids[i])).toBeGreaterThan(0);
    }
    for (const text of texts.slice(0, -1)) {
      const id = idOf(text);
      expect(id.increment()).toBe(true);
      expect(id.compare(idOf(text))).toBeGreaterThan(0);
      expect(id.decrement()).toBe(true);
      expect(String(id)).toBe(text);
    }
    expect(idOf('0-0').decrement()).toBe(false);
    expect(idOf(texts.at(-1)!).increment()).toBe(false);
    const carried = idOf('5-18446744073709551615');
    expect(carried.increment()).toBe(true);
    expect(String(carried)).toBe('6-0');
  });

  it('comes back from bytes that sort as the ids do', () => {
    const all = texts.map((text) => {
      const bytes = Buffer.alloc(16);
      idOf(text).writeBytes(bytes, 0);
      expect(String(new StreamId().readBytes(bytes, 0))).toBe(text);
      return bytes;
    });
    expect([...all].reverse().sort(Buffer.compare)).toEqual(all);
  });
});
