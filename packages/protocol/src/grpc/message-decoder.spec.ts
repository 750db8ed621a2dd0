import { expect, it } from 'vitest';
import { messageBytesCounted } from './limits.js';
import { MessageDecoder } from './message-decoder.js';
import { RequestRoom } from './request-room.js';

function framed(length: number, flag = 0): Buffer {
  const message = Buffer.alloc(5 + length, 'm');
  message[0] = flag;
  message.writeUInt32BE(length, 1);
  return message;
}

it('takes the same messages out of what comes, wherever that was cut', () => {
  const messages = [framed(0), framed(3), framed(300, 1), framed(0), framed(1)];
  const all = Buffer.concat(messages);
  for (let cut = 0; cut <= all.length; cut++) {
    const decoder = new MessageDecoder(new RequestRoom());
    const found = [...decoder.write(all.subarray(0, cut)), ...decoder.write(all.subarray(cut))];
    expect(found).toEqual(messages);
  }
  const decoder = new MessageDecoder(new RequestRoom());
  expect([...all].flatMap((byte) => [...decoder.write(Buffer.of(byte))])).toEqual(messages);
});

it('gives the room back in the order in which messages came, and at the end what is left', () => {
  const room = new RequestRoom();
  const decoder = new MessageDecoder(room);
  const large = messageBytesCounted + 1;
  for (const length of [1, large, 2, large + 1]) decoder.write(framed(length));
  decoder.write(framed(large + 2).subarray(0, 10));
  const bytes = [room.bytes];
  for (let i = 0; i < 4; i++) {
    decoder.free();
    bytes.push(room.bytes);
  }
  expect(bytes).toEqual([3 * large + 3, 3 * large + 3, 2 * large + 3, 2 * large + 3, large + 2]);
  decoder.end();
  expect(room.bytes).toBe(0);
});

it('ends for calls that have no room, too: it did not, when they had a message', () => {
  const decoder = new MessageDecoder(null);
  decoder.write(framed(1));
  decoder.end();
  decoder.write(framed(2));
  decoder.free();
  expect(() => decoder.write(framed(65_000))).toThrow('larger than max');
});
