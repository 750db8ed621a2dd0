import { describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

describe('MONITOR', () => {
  it('shows every command but administrative ones and secrets', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    expect(a.line('MONITOR')).toBe('OK');
    b.run('SET', 'k', 'a "b"\n\xe9');
    b.line('CONFIG GET maxmemory');
    b.line('AUTH default secret');
    b.line('MULTI');
    b.line('GET k');
    b.line('EXEC');
    const shown: string[] = [];
    for (let line = a.take(); line !== undefined; line = a.take()) shown.push(String(line));
    expect(shown[0]).toBe(`1750000000.000000 [0 ${b.session.address}] "SET" "k" "a \\"b\\"\\n\\xc3\\xa9"`);
    expect(shown.slice(1).map((line) => line.slice(line.indexOf(']') + 2))).toEqual([
      '"AUTH" "(redacted)" "(redacted)"',
      '"MULTI"',
      '"GET" "k"',
      '"EXEC"',
    ]);
    a.line('RESET');
    b.line('PING');
    expect(a.take()).toBeUndefined();
  });

  it('keeps its client from keys, with the words of a subscriber where it is one', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('MONITOR');
    expect(String(client.line('GET k'))).toContain("Replica can't interact with the keyspace");
    client.line('SUBSCRIBE a');
    while (client.take() !== undefined);
    expect(String(client.line('GET k'))).toContain("Can't execute 'get': only (P|S)SUBSCRIBE");
  });

  it('shows nothing to a client that wants no replies, nor from CLIENT REPLY SKIP to the end of what is skipped', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    const heard = (client: TestClient, line: string): string[] => {
      const words: string[] = [];
      for (let reply = client.line(line); reply !== undefined; reply = client.take())
        words.push(String(reply));
      for (let reply = a.take(); reply !== undefined; reply = a.take()) words.push(String(reply));
      return words.map((word) => word.replace(/^.*\] /, ''));
    };
    a.line('MONITOR');
    expect(heard(a, 'CLIENT REPLY SKIP')).toEqual(['"CLIENT" "REPLY" "SKIP"']);
    expect(heard(b, 'GET k')).toEqual(['null']);
    expect(heard(a, 'PING x')).toEqual([]);
    expect(heard(a, 'PING y')).toEqual(['y', '"PING" "y"']);
    expect(heard(a, 'CLIENT REPLY OFF')).toEqual([]);
    expect(heard(b, 'GET k')).toEqual(['null']);
    expect(heard(a, 'PING x')).toEqual([]);
    expect(heard(a, 'CLIENT REPLY ON')).toEqual(['OK', '"CLIENT" "REPLY" "ON"']);
    expect(heard(b, 'GET k')).toEqual(['null', '"GET" "k"']);
  });

  it('is refused in a transaction: its lines would come amid the replies of EXEC', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    a.line('MULTI');
    expect(a.line('MONITOR')).toBe('QUEUED');
    expect(String(a.line('EXEC'))).toContain("ERR MONITOR isn't allowed for DENY BLOCKING client");
    b.line('SET k 1');
    expect(a.take()).toBeUndefined();
    expect(a.line('GET k')).toEqual('1');
  });

  it('shows an EXEC that was refused, since it ends the transaction', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    a.line('MONITOR');
    b.line('MULTI');
    b.line('EXEC now');
    expect([a.take(), a.take(), a.take()].map((line) => line && String(line).replace(/^.*\] /, ''))).toEqual([
      '"MULTI"',
      '"EXEC" "now"',
      undefined,
    ]);
  });
});
