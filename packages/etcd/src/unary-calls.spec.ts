/** Calls to a server that answers as the test says, or not at all. */

import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { systemEnv } from '@holdfast/common';
import { afterEach, describe, expect, it } from 'vitest';
import { UnaryCalls } from './unary-calls.js';

type Answer = (stream: ServerHttp2Stream, request: Buffer, headers: Record<string, unknown>) => void;

const { timers } = systemEnv();
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function listen<S extends Server | Http2Server>(server: S): Promise<UnaryCalls> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const calls = new UnaryCalls({ url: `http://127.0.0.1:${port}`, tls: () => ({}), timers });
  ends.push(() => {
    calls.close();
    server.close();
  });
  return calls;
}

function serve(answer: Answer): Promise<UnaryCalls> {
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => answer(stream, Buffer.concat(chunks), headers));
  });
  return listen(server);
}

function framed(message: string, length = message.length): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(length, 1);
  frame.write(message, 5);
  return frame;
}

/** Answers with these parts of a body and this end. */
function respond(stream: ServerHttp2Stream, parts: Buffer[], trailers: Record<string, string>): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  for (const part of parts) stream.write(part);
  stream.end();
}

const ok = { 'grpc-status': '0' };
const call = (calls: UnaryCalls, timeoutMs = 5000): Promise<Buffer> =>
  calls.call('/service/method', Buffer.from('request'), null, timeoutMs);

describe('UnaryCalls', () => {
  it('sends a message with its path and token, and gives back the one that comes', async () => {
    const calls = await serve((stream, request, headers) => {
      const { ':path': path, token } = headers;
      respond(stream, [framed(`${path} ${token} ${request.subarray(5)}`)], ok);
    });
    const answers = [call(calls), calls.call('/other/one', Buffer.alloc(0), 'secret', 5000)];
    expect((await Promise.all(answers)).map(String)).toEqual([
      '/service/method undefined request',
      '/other/one secret ',
    ]);
  });

  it('puts a message together that comes in parts, and one without bytes', async () => {
    const message = 'm'.repeat(200_000);
    const frame = framed(message);
    const large = await serve((stream) => {
      respond(stream, [frame.subarray(0, 3), frame.subarray(3, 7), frame.subarray(7)], ok);
    });
    expect(String(await call(large))).toBe(message);
    const empty = await serve((stream) => respond(stream, [framed('')], ok));
    expect((await call(empty)).length).toBe(0);
  });

  it('says what status an error has, behind a message or instead of one', async () => {
    const trailers = { 'grpc-status': '8', 'grpc-message': 'too%20many%3A 100%' };
    const instead = await serve((stream) =>
      stream.respond({ ':status': 200, ...trailers }, { endStream: true }),
    );
    await expect(call(instead)).rejects.toMatchObject({ code: 8, message: 'too%20many%3A 100%' });
    const encoded = { 'grpc-status': '11', 'grpc-message': 'gr%C3%BC%C3%9Fe' };
    const behind = await serve((stream) => respond(stream, [framed('x')], encoded));
    await expect(call(behind)).rejects.toMatchObject({ code: 11, message: 'grüße' });
  });

  it('takes nothing for an answer that is none', async () => {
    const broken: [Answer, number][] = [
      [(stream) => respond(stream, [], ok), status.INTERNAL],
      [(stream) => respond(stream, [framed('short', 9)], ok), status.INTERNAL],
      [(stream) => respond(stream, [framed('a'), framed('b')], ok), status.INTERNAL],
      [(stream) => respond(stream, [Buffer.from('\x01\0\0\0\x01c')], ok), status.INTERNAL],
      [(stream) => stream.respond({ ':status': 200 }, { endStream: true }), status.UNAVAILABLE],
      [(stream) => stream.respond({ ':status': 404 }, { endStream: true }), status.UNAVAILABLE],
      [(stream) => stream.close(2), status.UNAVAILABLE],
      [(stream) => stream.session!.destroy(), status.UNAVAILABLE],
    ];
    for (const [answer, code] of broken) {
      await expect(call(await serve(answer)), String(answer)).rejects.toMatchObject({ code });
    }
  });

  it('connects again after a connection was lost or refused, or ended in order', async () => {
    let count = 0;
    const calls = await serve((stream) => {
      count++;
      if (count === 1) stream.session!.destroy();
      else respond(stream, [framed(String(count))], ok);
      if (count === 2) stream.session!.goaway();
    });
    await expect(call(calls)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(String(await call(calls))).toBe('2');
    await expect.poll(() => call(calls).then(String, () => '')).toMatch(/^\d$/);
    const nobody = new UnaryCalls({ url: 'http://127.0.0.1:1', tls: () => ({}), timers });
    for (let i = 0; i < 2; i++)
      await expect(call(nobody)).rejects.toMatchObject({
        code: status.UNAVAILABLE,
        message: 'connect ECONNREFUSED 127.0.0.1:1',
      });
  });

  it('gives a call up that is not answered in time, and not the connection with it', async () => {
    const sessions = new Set<unknown>();
    const calls = await serve((stream, _, headers) => {
      sessions.add(stream.session);
      if (headers[':path'] === '/answered') respond(stream, [framed('yes')], ok);
    });
    await expect(call(calls, 20)).rejects.toMatchObject({ code: status.CANCELLED });
    const answered = (): Promise<string> => calls.call('/answered', Buffer.alloc(0), null, 5000).then(String);
    expect(await answered()).toBe('yes');
    expect(await answered()).toBe('yes');
    expect(sessions.size).toBeLessThan(3);
  });

  it('keeps the process alive while a call is under way, and not longer', async () => {
    const calls = await serve((stream) => void setTimeout(() => respond(stream, [framed('late')], ok), 20));
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    await call(calls);
    const idle = sockets();
    const again = call(calls);
    expect(sockets()).toBe(idle + 1);
    await again;
    expect(sockets()).toBe(idle);
  });

  it('is closed in the moment in which it is connected, and nothing is thrown', async () => {
    const calls = await serve((stream) => respond(stream, [framed('late')], ok));
    const answer = call(calls);
    const sockets = process as unknown as { _getActiveHandles(): unknown[] };
    const connecting = sockets
      ._getActiveHandles()
      .filter((each) => each instanceof Socket && each.connecting);
    expect(connecting.length).toBe(1);
    // Behind what the session does then, and before it says that it is connected.
    await new Promise<void>((resolve) => {
      (connecting[0] as Socket).once('connect', () => {
        calls.close();
        resolve();
      });
    });
    await expect(answer).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });

  it('is closed by who just got an answer, and memory that nghttp2 still uses was freed', async () => {
    const calls = await serve((stream, _, headers) => {
      if (headers[':path'] === '/answered') respond(stream, [framed('yes')], ok);
    });
    const answered = calls.call('/answered', Buffer.alloc(0), null, 5000);
    const waiting = call(calls);
    let isOver = false;
    const over = waiting.catch(() => {
      isOver = true;
    });
    await answered;
    // Not before whatever called us has returned, so behind this.
    const returned = new Promise<boolean>((resolve) => setImmediate(() => resolve(isOver)));
    calls.close();
    expect(await returned).toBe(false);
    await over;
    await expect(waiting).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });

  it('leaves a connection on which nothing is said for another one', async () => {
    const sockets: Socket[] = [];
    const silent = createTcpServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {}).resume();
    });
    const calls = await listen(silent);
    for (let i = 1; i <= 2; i++) {
      await expect(call(calls, 20)).rejects.toMatchObject({ code: status.CANCELLED });
      expect(sockets.length).toBe(i);
    }
    for (const socket of sockets) socket.destroy();
  });
});
