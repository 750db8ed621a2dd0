import { describe, expect, it } from 'vitest';
import { randomBelow } from './env.js';
import { textOf, utf8Of } from './escaped-text.js';
import { SeededRandom } from './testing/simulated-env.js';

function roundTrip(bytes: readonly number[]): number[] {
  return [...utf8Of(textOf(Uint8Array.from(bytes)))];
}

describe('a text of any bytes', () => {
  it('is what UTF-8 says where the bytes are UTF-8', () => {
    for (const text of ['', 'plain', 'grün', '漢字', '😀', 'a\ufffdb']) {
      expect(textOf(Buffer.from(text))).toBe(text);
      expect(utf8Of(text).toString()).toBe(text);
    }
  });

  it('keeps the characters around a byte that is none', () => {
    expect(textOf(Buffer.from('gr\xfcn', 'latin1'))).toBe('gr\udcfcn');
    expect(textOf(Buffer.concat([Buffer.of(0xfc), Buffer.from('é😀'), Buffer.of(0x80)]))).toBe(
      '\udcfcé😀\udc80',
    );
  });

  it.each([
    ['every byte', Array.from({ length: 256 }, (_, i) => i)],
    ['a character that is cut off', [0xe6, 0xbc]],
    ['an overlong form', [0xc0, 0x80, 0xe0, 0x80, 0x80]],
    ['half of a pair', [0xed, 0xb2, 0x80]],
    ['beyond the last character', [0xf4, 0x90, 0x80, 0x80]],
    ['a replacement character before a byte that is none', [0xef, 0xbf, 0xbd, 0xff]],
  ])('gives back %s', (_name, bytes) => {
    expect(roundTrip(bytes)).toEqual(bytes);
  });

  it('takes no more than its length of memory where no byte is UTF-8', () => {
    const bytes = Buffer.alloc(4 * 1024 * 1024, 0xff);
    expect(utf8Of(textOf(bytes)).equals(bytes)).toBe(true);
  });

  it('writes every character, and half of a pair as one that stands for any', () => {
    const all = 'a\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}\u{10ffff}';
    expect(utf8Of(`${all}\ud800x\udcff`)).toEqual(
      Buffer.concat([Buffer.from(`${all}\ud800x`), Buffer.of(0xff)]),
    );
    expect(textOf(Buffer.concat([Buffer.from(all), Buffer.of(0xff)]))).toBe(`${all}\udcff`);
  });

  it('gives back whatever bytes there are', () => {
    const random = new SeededRandom(7);
    const alphabet = [
      0x41, 0x80, 0xbf, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xef, 0xbd, 0xf0, 0x9f, 0x98, 0xff,
    ];
    for (let round = 0; round < 2000; round++) {
      const length = randomBelow(random, 8);
      const bytes = Array.from({ length }, () => alphabet[randomBelow(random, alphabet.length)]);
      expect(roundTrip(bytes), `${bytes}`).toEqual(bytes);
    }
  });
});
