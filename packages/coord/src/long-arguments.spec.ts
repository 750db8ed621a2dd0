/** An argument may have 512 MiB, a string of the runtime no more: what is read as a text must be refused before. */
import { keyBytesMax, quotedBytesMax, textBytesMax } from '@holdfast/common';
import { describe, expect, it } from 'vitest';
import { LocalServer } from './testing/index.js';

const long = Buffer.alloc(textBytesMax + 1, '1');

const requests: [string, (string | Buffer)[]][] = [
  ['a channel', ['SUBSCRIBE', long]],
  ['a pattern', ['PSUBSCRIBE', long]],
  ['a channel that is published to', ['PUBLISH', long, 'x']],
  ['a score', ['ZADD', 'z', long, 'm']],
  ['an increment', ['INCRBYFLOAT', 'n', long]],
  ['a cursor', ['SCAN', long]],
  ['a watched key', ['WATCH', long]],
  ['a key that is waited for', ['BLPOP', long, '0']],
  ['the name of a client', ['CLIENT', 'SETNAME', long]],
  ['a parameter', ['CONFIG', 'SET', 'maxmemory', long]],
  ['a section', ['INFO', long]],
  ['a group', ['XGROUP', 'CREATE', 'x', long, '$', 'MKSTREAM']],
  ['a library', ['FUNCTION', 'LOAD', long]],
  ['a user', ['ACL', 'SETUSER', long]],
];

describe('arguments longer than any text', () => {
  it.each(requests)('were the end of the server as %s', (_what, request) => {
    const client = new LocalServer().client();
    const reply = client.run(...request);
    expect(String(reply).slice(0, 100)).toMatch(/ERR .*(longer than|at most)/);
    expect(client.line('PING')).toBe('PONG');
  });

  it.each([
    ['a section that is no text', ['INFO', Buffer.alloc(textBytesMax, 0xff)]],
    ['a score', ['ZADD', 'z', Buffer.alloc(textBytesMax, '1x'), 'm']],
    ['a score of as many digits as there may be', ['ZADD', 'z', `${'1'.repeat(textBytesMax - 1)}x`, 'm']],
    ['a cursor', ['SCAN', Buffer.alloc(textBytesMax, '9')]],
  ])('do not keep the server busy when they are just not longer, as %s', (_what, request) => {
    const client = new LocalServer().client();
    expect(client.run(...request)).toBeDefined();
    expect(client.line('PING')).toBe('PONG');
  });

  it('are no keys that a user with some rights may name', () => {
    const server = new LocalServer();
    const admin = server.client();
    admin.line('ACL SETUSER u on nopass ~1* &1* +@all');
    const client = server.client();
    client.line('AUTH u x');
    expect(String(client.run('GET', long))).toContain('NOPERM');
    expect(String(client.run('PUBLISH', long, 'x'))).toContain('NOPERM');
  });

  it('are not remembered for a client that tracks', () => {
    const client = new LocalServer().client(3);
    client.line('CLIENT TRACKING on');
    expect(client.run('GET', Buffer.alloc(keyBytesMax + 1))).toBeNull();
    expect(client.run('GET', long)).toBeNull();
  });

  it('are repeated by errors in part', () => {
    const client = new LocalServer().client();
    const message = String(client.run('EXPIRE', 'k', '1', long));
    expect(message.slice(0, 60)).toContain('Unsupported option 111');
    expect(message.length).toBeLessThan(quotedBytesMax + 100);
  });

  it('are shown by MONITOR in part', () => {
    const server = new LocalServer();
    const [monitor, client] = [server.client(), server.client()];
    monitor.line('MONITOR');
    client.run('SET', 'k', long);
    client.run('MSET', ...Array.from({ length: 60 }, () => ['k', Buffer.alloc(40_000, 1)]).flat());
    const [set, mset] = [String(monitor.take()), String(monitor.take())];
    expect(set).toMatch(/"SET" "k" "1{65536}"\.\.\. \(16711681 more bytes\)$/);
    expect(mset).toMatch(/" \.\.\. \(\d+ more arguments\)$/);
    expect(mset.length).toBeLessThan(2 * 1024 * 1024);
  });
});

it('refuses names of clients that would make their list endless', () => {
  const client = new LocalServer().client();
  expect(client.run('CLIENT', 'SETNAME', 'n'.repeat(4096))).toBe('OK');
  const reply = client.run('CLIENT', 'SETNAME', 'n'.repeat(4097));
  expect(String(reply)).toContain('Client names cannot be longer than 4096 bytes');
});
