import { describe, expect, it } from 'vitest';
import { LocalServer } from '../testing/index.js';

const aborted = new Error('EXECABORT Transaction discarded because of previous errors.');

it('refuses what writes when min-replicas-to-write asks for replicas, a transaction as a whole', () => {
  const server = new LocalServer();
  const [client, other] = [server.client(), server.client()];
  client.line('MULTI');
  client.line('SET a 1');
  other.line('CONFIG SET min-replicas-to-write 1');
  const noReplicas = 'NOREPLICAS Not enough good replicas to write.';
  expect(client.line('EXEC')).toEqual(new Error(`EXECABORT Transaction discarded because of: ${noReplicas}`));
  expect(client.line('SET a 1')).toEqual(new Error(noReplicas));
  expect(client.line('GET a')).toBeNull();
  expect(client.line('CONFIG SET min-slaves-to-write 0')).toBe('OK');
  expect(client.line('SET a 1')).toBe('OK');
});

it('runs a transaction that publishes, or reads by a script, where writes are refused: it was refused as a whole', () => {
  const server = new LocalServer();
  const client = server.client();
  client.line('CONFIG SET min-replicas-to-write 1');
  client.line('MULTI');
  client.line('PUBLISH news hi');
  client.run('EVAL', "return redis.call('GET', 'k')", '0');
  client.run('EVAL', "return redis.pcall('SET', 'k', 'v')", '0');
  const refused = new Error('NOREPLICAS Not enough good replicas to write.');
  expect(client.line('EXEC')).toEqual([0, null, refused]);
});

describe('MULTI and EXEC', () => {
  it('run what was queued, and reply to each', () => {
    const client = new LocalServer().client();
    expect(client.line('MULTI')).toBe('OK');
    expect(client.line('SET k 1')).toBe('QUEUED');
    expect(client.line('INCR k')).toBe('QUEUED');
    expect(client.line('GET k')).toBe('QUEUED');
    expect(client.line('EXEC')).toEqual(['OK', 2, '2']);
    expect(client.line('EXEC')).toEqual(new Error('ERR EXEC without MULTI'));
    client.line('MULTI');
    expect(client.line('EXEC')).toEqual([]);
  });

  it('give all writes one version', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('MULTI');
    client.line('SET a 1');
    client.line('SET b 1');
    client.line('EXEC');
    const db = server.storage.database(0);
    const versions = ['a', 'b'].map((name) => db.version(db.find(Buffer.from(name), 0, 1)));
    expect(versions[0]).toBe(versions[1]);
  });

  it('go on after a command that fails', () => {
    const client = new LocalServer().client();
    client.line('MULTI');
    client.line('SET k x');
    client.line('INCR k');
    client.line('GET k');
    expect(client.line('EXEC')).toEqual([
      'OK',
      new Error('ERR value is not an integer or out of range'),
      'x',
    ]);
  });

  it('are aborted by a command that could not be queued', () => {
    const client = new LocalServer().client();
    for (const [wrong, message] of [
      ['NOSUCH', "ERR unknown command 'NOSUCH', with args beginning with: "],
      ['GET', "ERR wrong number of arguments for 'get' command"],
      ['CONFIG FOO', "ERR unknown subcommand 'FOO'. Try CONFIG HELP."],
      ['SAVE', 'ERR Command not allowed inside a transaction'],
    ]) {
      client.line('MULTI');
      client.line('SET k v');
      expect(client.line(wrong)).toEqual(new Error(message));
      expect(client.line('EXEC')).toEqual(aborted);
      expect(client.line('GET k')).toBeNull();
    }
  });

  it('are not aborted by a nested MULTI or WATCH, which only fail themselves', () => {
    const client = new LocalServer().client();
    client.line('MULTI');
    expect(client.line('MULTI')).toEqual(new Error('ERR MULTI calls can not be nested'));
    expect(client.line('WATCH k')).toEqual(new Error('ERR WATCH inside MULTI is not allowed'));
    client.line('SET k v');
    expect(client.line('EXEC')).toEqual(['OK']);
  });

  it('end with an EXEC of the wrong arity', () => {
    const client = new LocalServer().client();
    client.line('MULTI');
    client.line('SET k v');
    expect(client.line('EXEC x')).toEqual(
      new Error("EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command"),
    );
    expect(client.line('EXEC')).toEqual(new Error('ERR EXEC without MULTI'));
  });

  it('do not wait', () => {
    const client = new LocalServer().client();
    client.line('MULTI');
    client.line('BLPOP l 0');
    expect(client.line('EXEC')).toEqual([null]);
  });

  it('wake others only when they are over', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    b.line('BLPOP l 0');
    a.line('MULTI');
    a.line('RPUSH l 1');
    a.line('LPOP l');
    a.line('EXEC');
    expect(b.take()).toBeUndefined();
    a.line('MULTI');
    a.line('RPUSH l 1');
    a.line('RPUSH l 2');
    expect(a.line('EXEC')).toEqual([1, 2]);
    expect(b.take()).toEqual(['l', '1']);
  });
});

describe('DISCARD', () => {
  it('forgets the queue and the watches', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    expect(a.line('DISCARD')).toEqual(new Error('ERR DISCARD without MULTI'));
    a.line('WATCH k');
    a.line('MULTI');
    a.line('SET k a');
    expect(a.line('DISCARD')).toBe('OK');
    b.line('SET k b');
    a.line('MULTI');
    a.line('GET k');
    expect(a.line('EXEC')).toEqual(['b']);
  });
});

describe('WATCH', () => {
  it('makes EXEC refuse when a watched key was changed, even back', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(3), server.client()];
    for (const change of ['SET k w', 'DEL k', 'EXPIRE k 100', 'FLUSHDB', 'FLUSHALL', 'SWAPDB 0 1']) {
      b.line('FLUSHALL');
      b.line('SET k v');
      a.line('WATCH k');
      b.line(change);
      a.line('MULTI');
      a.line('PING');
      expect(a.line('EXEC'), change).toBeNull();
      a.line('MULTI');
      a.line('PING');
      expect(a.line('EXEC')).toEqual(['PONG']);
    }
  });

  it('does not mind changes that change nothing', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    for (const change of ['DEL k', 'FLUSHALL', 'SET other 1', 'GET k', 'SET k v XX', 'EXPIRE k 10']) {
      a.line('WATCH k');
      b.line(change);
      a.line('MULTI');
      a.line('PING');
      expect(a.line('EXEC'), change).toEqual(['PONG']);
    }
  });

  it('refuses when a watched key expired meanwhile, but not when it already was', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('DEBUG SET-ACTIVE-EXPIRE 0');
    client.line('SET k v PX 10');
    client.line('WATCH k');
    server.env.advance(20);
    client.line('MULTI');
    client.line('PING');
    expect(client.line('EXEC')).toBeNull();
    client.line('WATCH k');
    expect(client.line('GET k')).toBeNull();
    client.line('MULTI');
    client.line('PING');
    expect(client.line('EXEC')).toEqual(['PONG']);
  });

  it('looks at the database in which the key was watched', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    a.line('WATCH k');
    b.line('SELECT 1');
    b.line('SET k v');
    a.line('MULTI');
    a.line('PING');
    expect(a.line('EXEC')).toEqual(['PONG']);
  });

  it('ends with UNWATCH, which MULTI queues', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    a.line('WATCH k');
    b.line('SET k v');
    expect(a.line('UNWATCH')).toBe('OK');
    a.line('MULTI');
    expect(a.line('UNWATCH')).toBe('QUEUED');
    expect(a.line('EXEC')).toEqual(['OK']);
  });
});

it('counts what queued commands take, not their few bytes alone, so that a limit holds', () => {
  const client = new LocalServer().client();
  client.line('MULTI');
  for (let i = 0; i < 100; i++) client.line('PING');
  expect(client.session.transaction!.bytes).toBeGreaterThan(100 * 400);
});
