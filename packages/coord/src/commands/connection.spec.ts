import type { Upstream } from '@holdfast/engine';
import { describe, expect, it } from 'vitest';
import { LocalServer } from '../testing/index.js';

const noSuchPassword = new Error('WRONGPASS invalid username-password pair or user is disabled.');

describe('AUTH', () => {
  it('says that no password is configured', () => {
    const client = new LocalServer().client();
    expect(client.line('AUTH secret')).toEqual(
      new Error(
        'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
      ),
    );
    expect(client.line('AUTH default anything')).toBe('OK');
    expect(client.line('AUTH somebody anything')).toEqual(noSuchPassword);
    expect(client.line('AUTH a b c')).toEqual(new Error('ERR syntax error'));
  });

  it('lets nothing through before the right password, but for what needs none', () => {
    const server = new LocalServer();
    server.kv.config.set('requirepass', 'secret');
    const client = server.client();
    const refused = new Error('NOAUTH Authentication required.');
    expect(client.line('GET k')).toEqual(refused);
    expect(client.line('MULTI')).toEqual(refused);
    expect(client.line('AUTH wrong')).toEqual(noSuchPassword);
    expect(client.line('AUTH somebody secret')).toEqual(noSuchPassword);
    expect(client.line('HELLO 3')).toMatchObject({ message: expect.stringMatching(/^NOAUTH HELLO must/) });
    expect(client.line('AUTH secret')).toBe('OK');
    expect(client.line('GET k')).toBeNull();
    expect(client.line('RESET')).toBe('RESET');
    expect(client.line('GET k')).toEqual(refused);
    expect(client.line('QUIT')).toBe('OK');
    expect(client.isClosed).toBe(true);
  });

  it('keeps who is connected when a password is set', () => {
    const client = new LocalServer().client();
    client.line('CONFIG SET requirepass secret');
    expect(client.line('PING')).toBe('PONG');
  });
});

describe('HELLO', () => {
  it('switches the dialect and tells about the server', () => {
    const client = new LocalServer().client();
    expect(client.line('HELLO')).toMatchObject({ server: 'redis', proto: 2 });
    expect(client.line('HELLO 3')).toEqual({
      server: 'redis',
      version: '7.2.4',
      proto: 3,
      id: client.session.id,
      mode: 'standalone',
      role: 'master',
      modules: [],
    });
    expect(client.session.dialect).toBe(3);
  });

  it('says that a server that follows another is a replica: it said master', () => {
    const server = new LocalServer();
    const client = server.client();
    const status = { host: 'h', port: 1, state: 'connected', offset: 0 };
    server.coordinator.state.upstream = { status, isItself: () => false } as unknown as Upstream;
    expect(client.line('HELLO 3')).toMatchObject({ role: 'replica' });
  });

  it('checks everything before it changes anything', () => {
    const client = new LocalServer().client();
    expect(client.line('HELLO 4')).toEqual(new Error('NOPROTO unsupported protocol version'));
    expect(client.line('HELLO x')).toEqual(
      new Error('ERR Protocol version is not an integer or out of range'),
    );
    expect(client.line('HELLO 3 SETNAME')).toEqual(new Error("ERR Syntax error in HELLO option 'SETNAME'"));
    expect(client.line('HELLO 3 AUTH default')).toEqual(new Error("ERR Syntax error in HELLO option 'AUTH'"));
    expect(client.line('HELLO 3 SETNAME me AUTH somebody x')).toEqual(noSuchPassword);
    expect(client.session).toMatchObject({ dialect: 2, name: '' });
    client.line('HELLO 3 SETNAME me');
    expect(client.session).toMatchObject({ dialect: 3, name: 'me' });
  });
});

describe('CLIENT', () => {
  it('names connections and their libraries', () => {
    const client = new LocalServer().client();
    expect(client.line('CLIENT GETNAME')).toBeNull();
    expect(client.line('CLIENT SETNAME me')).toBe('OK');
    expect(client.line('CLIENT GETNAME')).toBe('me');
    expect(client.run('CLIENT', 'SETNAME', 'a b')).toEqual(
      new Error('ERR Client names cannot contain spaces, newlines or special characters.'),
    );
    expect(client.line('CLIENT SETINFO LIB-NAME redis-js')).toBe('OK');
    expect(client.line('CLIENT SETINFO lib-ver 1.2')).toBe('OK');
    expect(client.run('CLIENT', 'SETINFO', 'lib-ver', 'a b')).toEqual(
      new Error('ERR lib-ver cannot contain spaces, newlines or special characters.'),
    );
    expect(client.line('CLIENT SETINFO foo x')).toEqual(new Error("ERR Unrecognized option 'foo'"));
    expect(client.line('CLIENT INFO')).toMatch(/ name=me .* lib-name=redis-js lib-ver=1\.2\n$/);
    client.line('RESET');
    expect(client.line('CLIENT INFO')).toMatch(/ name= .* lib-name=redis-js lib-ver=1\.2\n$/);
  });

  it('lists clients, all, by type and by id', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    b.line('SUBSCRIBE news');
    a.line('SELECT 3');
    a.line('MULTI');
    a.line('PING');
    const idsIn = (list: unknown): string[] => String(list).match(/(?<=^id=)\d+/gm) ?? [];
    const [aId, bId] = [String(a.session.id), String(b.session.id)];
    const c = server.client();
    expect(idsIn(c.line('CLIENT LIST'))).toEqual([aId, bId, String(c.session.id)]);
    expect(idsIn(c.line('CLIENT LIST TYPE pubsub'))).toEqual([bId]);
    expect(idsIn(c.line('CLIENT LIST TYPE replica'))).toEqual([]);
    expect(idsIn(c.line(`CLIENT LIST ID ${bId} 999 ${aId}`))).toEqual([bId, aId]);
    const line = String(c.line(`CLIENT LIST ID ${aId}`));
    expect(line).toMatch(/ addr=127\.0\.0\.1:1 laddr=127\.0\.0\.1:6379 /);
    expect(line).toMatch(/ flags=x db=3 sub=0 psub=0 ssub=0 multi=1 /);
    expect(line).toMatch(/ cmd=ping user=default redir=-1 resp=2 /);
    expect(c.line('CLIENT LIST TYPE foo')).toEqual(new Error("ERR Unknown client type 'foo'"));
    expect(c.line('CLIENT LIST ID x')).toEqual(new Error('ERR Invalid client ID'));
    expect(c.line('CLIENT LIST ID')).toEqual(new Error('ERR syntax error'));
  });

  it('lists no command of a client whose last one there is not', () => {
    const server = new LocalServer();
    const [client, other] = [server.client(), server.client()];
    client.line('PING');
    expect(other.line(`CLIENT LIST ID ${client.session.id}`)).toMatch(/ cmd=ping /);
    for (const line of ['NOPE', 'CONFIG NOPE']) {
      client.line('PING');
      client.line(line);
      expect(other.line(`CLIENT LIST ID ${client.session.id}`)).toMatch(/ cmd=NULL /);
    }
  });

  it('kills by address, or by filters that spare the caller', () => {
    const server = new LocalServer();
    const [a, b, c] = [server.client(), server.client(), server.client()];
    expect(a.line('CLIENT KILL 1.2.3.4:5')).toEqual(new Error('ERR No such client'));
    expect(a.line(`CLIENT KILL ${b.session.address}`)).toBe('OK');
    expect([a.isClosed, b.isClosed]).toEqual([false, true]);
    expect(a.line('CLIENT LIST')).not.toContain(`addr=${b.session.address}`);
    expect(a.line(`CLIENT KILL ID ${c.session.id} TYPE pubsub`)).toBe(0);
    expect(a.line(`CLIENT KILL ID 999 TYPE pubsub ID ${c.session.id} TYPE normal`)).toBe(1);
    expect([a.isClosed, c.isClosed]).toEqual([false, true]);
    expect(a.line('CLIENT KILL USER default SKIPME no')).toBe(1);
    expect(a.isClosed).toBe(true);
  });

  it('drops replies while they are off, and the next one for SKIP', () => {
    const client = new LocalServer().client();
    client.line('CLIENT REPLY SKIP');
    expect(client.line('PING')).toBeUndefined();
    expect(client.line('PING')).toBe('PONG');
    expect(client.line('CLIENT REPLY OFF')).toBeUndefined();
    expect(client.line('SET k v')).toBeUndefined();
    expect(client.line('CLIENT REPLY SKIP')).toBeUndefined();
    expect(client.line('PING')).toBeUndefined();
    expect(client.line('CLIENT REPLY ON')).toBe('OK');
    expect(client.line('GET k')).toBe('v');
    client.line('CLIENT REPLY SKIP');
    expect(client.line('CLIENT REPLY ON')).toBe('OK');
    expect(client.line('PING')).toBe('PONG');
  });

  it('confirms subscriptions even while replies are off', () => {
    const client = new LocalServer().client();
    client.line('CLIENT REPLY OFF');
    expect(client.line('SUBSCRIBE a')).toEqual(['subscribe', 'a', 1]);
    expect(client.line('RESET')).toBe('RESET');
    expect(client.line('PING')).toBe('PONG');
  });
});

describe('CLIENT PAUSE', () => {
  it('lets scripts through that say they only read', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('SET x y');
    client.run(
      'FUNCTION',
      'LOAD',
      "#!lua name=f\nredis.register_function{function_name='f1', callback=function() return 3 end, flags={'no-writes'}}",
    );
    const sha = client.run('SCRIPT', 'LOAD', '#!lua flags=no-writes\nreturn 2') as string;
    client.line('CLIENT PAUSE 1000 WRITE');
    expect(client.run('EVAL', '#!lua flags=no-writes\nreturn 1', '0')).toBe(1);
    expect(client.run('EVALSHA', sha, '0')).toBe(2);
    expect(client.line('FCALL f1 0')).toBe(3);
    expect(client.run('EVAL_RO', "return redis.call('get', 'x')", '1', 'x')).toBe('y');
    client.line('MULTI');
    client.run('EVAL', '#!lua flags=no-writes\nreturn 1', '0');
    expect(client.line('EXEC')).toEqual([1]);
    expect(client.run('EVAL', 'return 1', '0')).toBeUndefined();
  });

  it('holds back writes, and expired keys are only not seen', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    a.line('SET k v PX 50');
    expect(a.line('CLIENT PAUSE 1000 WRITE')).toBe('OK');
    expect(b.line('PING')).toBe('PONG');
    expect(b.line('SET x 1')).toBeUndefined();
    server.env.advance(100);
    expect(a.line('GET k')).toBeNull();
    expect(a.line('DBSIZE')).toBe(1);
    expect(a.line('INFO clients')).toContain('blocked_clients:1');
    server.env.advance(1000);
    expect(b.take()).toBe('OK');
    expect(a.line('GET x')).toBe('1');
    expect(a.line('DBSIZE')).toBe(1);
  });

  it('holds back everything, even its own end', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    a.line('CLIENT PAUSE 1000');
    expect(b.line('PING')).toBeUndefined();
    expect(a.line('CLIENT UNPAUSE')).toBeUndefined();
    server.env.advance(1001);
    expect([a.take(), b.take()]).toEqual(['OK', 'PONG']);
  });

  it('of everything goes on when one of writes is begun in the same transaction: reads went through', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    a.line('MULTI');
    a.line('CLIENT PAUSE 1000 ALL');
    a.line('CLIENT PAUSE 10 WRITE');
    expect(a.line('EXEC')).toEqual(['OK', 'OK']);
    expect(b.line('GET k')).toBeUndefined();
    server.env.advance(1001);
    expect(b.take()).toBeNull();
    a.line('CLIENT PAUSE 1000 WRITE');
    expect(b.line('GET k')).toBeNull();
  });

  it('is not of those who are sent what others do: a monitor was held back too', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    b.line('MONITOR');
    a.line('CLIENT PAUSE 1000');
    b.take();
    expect(b.line('PING')).toBe('PONG');
  });

  it('goes on with the held commands in their order when it is ended', () => {
    const server = new LocalServer();
    const [a, b, c] = [server.client(), server.client(), server.client()];
    a.line('CLIENT PAUSE 100000 WRITE');
    b.line('SET k b');
    c.line('SET k c');
    expect(a.line('CLIENT UNPAUSE')).toBe('OK');
    server.env.advance(0);
    expect([b.take(), c.take()]).toEqual(['OK', 'OK']);
    expect(a.line('GET k')).toBe('c');
  });

  it('holds back a write when it is queued, and an EXEC of writes', () => {
    const server = new LocalServer();
    const [a, b, c] = [server.client(), server.client(), server.client()];
    b.line('MULTI');
    b.line('SET k v');
    c.line('MULTI');
    a.line('CLIENT PAUSE 1000 WRITE');
    expect(b.line('EXEC')).toBeUndefined();
    expect(c.line('SET k w')).toBeUndefined();
    server.env.advance(1001);
    expect(b.take()).toEqual(['OK']);
    expect(c.take()).toBe('QUEUED');
  });

  it('checks its arguments', () => {
    const client = new LocalServer().client();
    expect(client.line('CLIENT PAUSE x')).toEqual(new Error('ERR timeout is not an integer or out of range'));
    expect(client.line('CLIENT PAUSE -1')).toEqual(new Error('ERR timeout is negative'));
    const tooLong = new Error('ERR timeout is out of range');
    for (const line of ['CLIENT PAUSE MAX', 'XREAD BLOCK MAX STREAMS s $', 'WAIT 1 MAX', 'WAITAOF 0 1 MAX']) {
      expect(client.line(line.replace('MAX', '9223372036854775807'))).toEqual(tooLong);
    }
    expect(client.line('CLIENT PAUSE 1 foo')).toEqual(
      new Error('ERR CLIENT PAUSE mode must be WRITE or ALL'),
    );
  });
});

describe('CLIENT UNBLOCK', () => {
  it('ends a wait as its time-out would, or with an error', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    expect(b.line('BLPOP l 0')).toBeUndefined();
    expect(a.line(`CLIENT UNBLOCK ${b.session.id}`)).toBe(1);
    expect(b.take()).toBeNull();
    expect(a.line(`CLIENT UNBLOCK ${b.session.id}`)).toBe(0);
    b.line('BLPOP l 0');
    expect(a.line(`CLIENT UNBLOCK ${b.session.id} ERROR`)).toBe(1);
    expect(b.take()).toEqual(new Error('UNBLOCKED client unblocked via CLIENT UNBLOCK'));
  });

  it('does not touch who is only held back by a pause', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    a.line('CLIENT PAUSE 1000 WRITE');
    b.line('SET k v');
    expect(a.line(`CLIENT UNBLOCK ${b.session.id}`)).toBe(0);
  });
});

describe('SELECT', () => {
  it('refuses what is no database', () => {
    const client = new LocalServer().client();
    expect(client.line('SELECT 16')).toEqual(new Error('ERR DB index is out of range'));
    expect(client.line('SELECT -1')).toEqual(new Error('ERR DB index is out of range'));
    expect(client.line('SELECT x')).toEqual(new Error('ERR value is not an integer or out of range'));
    expect(client.line('SELECT 15')).toBe('OK');
  });
});
