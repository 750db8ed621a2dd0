import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Speaker } from './speaker.js';

const message = '*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n';

let server: Server;
let speaker: Speaker;
/** What the server has of the connection. */
let socket: Socket;
let onRequest: (request: string) => void;

beforeEach(async () => {
  onRequest = () => socket.write(':1\r\n');
  server = createServer((accepted) => {
    socket = accepted;
    socket.on('data', (bytes) => onRequest(bytes.toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  speaker = await Speaker.connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
});

afterEach(() => {
  speaker.close();
  server.close();
});

const heard = () => {
  const { answers, rest } = speaker.takeHearing();
  const texts = rest.map(({ items }) => items!.map(({ text }) => text).join(' '));
  return { answers: answers.length, rest: texts };
};

it('hears the same of a connection that was ended, whether that was noticed before it spoke or not', async () => {
  onRequest = () => socket.end(message);
  speaker.say(['PING']);
  await speaker.answered;
  expect(heard()).toEqual({ answers: 0, rest: ['message c x'] });
  expect(speaker.isAnswered).toBe(true);
  speaker.close();
  onRequest = () => socket.write(':1\r\n');
  speaker = await Speaker.connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  socket.end(message);
  await vi.waitFor(() => expect(speaker.isClosed).toBe(true));
  speaker.say(['PING']);
  await speaker.answered;
  expect(heard()).toEqual({ answers: 0, rest: ['message c x'] });
});

it('hears an answer up to its end, and what comes behind', async () => {
  onRequest = () => socket.write(`+PONG\r\n$6\r\nmark 0\r\n${message}`);
  speaker.say(['PING']);
  await speaker.answered;
  onRequest = () => socket.end(`${message}$6\r\nmark 1\r\n`);
  speaker.say(['PING']);
  await speaker.answered;
  const { answers, rest } = speaker.takeHearing();
  expect(answers.map(({ length }) => length)).toEqual([1, 2]);
  expect(rest).toEqual([]);
});
