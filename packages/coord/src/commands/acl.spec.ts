import type { AclFile } from '@holdfast/engine';
import { describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

/** A client of a user that has just these rules. */
function clientOf(server: LocalServer, rules: string): TestClient {
  server.client().line(`ACL SETUSER u reset on >secret ${rules}`);
  const client = server.client();
  expect(client.line('AUTH u secret')).toBe('OK');
  return client;
}

function denied(what: string): Error {
  return new Error(`NOPERM User u has no permissions to run the '${what}' command`);
}

const deniedKey = new Error('NOPERM No permissions to access a key');
const deniedChannel = new Error('NOPERM No permissions to access a channel');

class FakeAclFile implements AclFile {
  readonly path = 'users.acl';
  text = '';
  problem: Error | null = null;

  read(): string {
    if (this.problem !== null) throw this.problem;
    return this.text;
  }

  write(text: string): void {
    if (this.problem !== null) throw this.problem;
    this.text = text;
  }
}

describe('AUTH', () => {
  it('tells no stranger whether a user exists, is off, or has another password', () => {
    const server = new LocalServer();
    const admin = server.client();
    admin.line('ACL SETUSER off >secret');
    admin.line('ACL SETUSER u on >secret >second');
    const wrong = new Error('WRONGPASS invalid username-password pair or user is disabled.');
    for (const line of ['AUTH off secret', 'AUTH u third', 'AUTH nosuch secret', 'HELLO 3 AUTH u third']) {
      expect(server.client().line(line)).toEqual(wrong);
    }
    const client = server.client();
    expect(client.line('AUTH u second')).toBe('OK');
    expect(client.session.user).toBe('u');
  });

  it('lets a client go on whose user is switched off, and lets no new one in', () => {
    const server = new LocalServer();
    const client = clientOf(server, '+@all ~*');
    server.client().line('ACL SETUSER u off');
    expect(client.line('SET k v')).toBe('OK');
    expect(server.client().line('AUTH u secret')).toBeInstanceOf(Error);
  });

  it('is needed before anything else when the default user is off', () => {
    const server = new LocalServer();
    const admin = server.client();
    admin.line('ACL SETUSER root on nopass +@all ~* &*');
    admin.line('ACL SETUSER default off');
    const client = server.client();
    expect(client.line('PING')).toEqual(new Error('NOAUTH Authentication required.'));
    expect(client.line('AUTH root anything')).toBe('OK');
    expect(client.line('PING')).toBe('PONG');
  });
});

describe('rules', () => {
  it('of commands: the last that fits decides', () => {
    const client = clientOf(new LocalServer(), '~* +@string -append +config|get +select|0');
    expect(client.line('SET k v')).toBe('OK');
    expect(client.line('APPEND k v')).toEqual(denied('append'));
    expect(client.line('CONFIG GET timeout')).toEqual({ timeout: '0' });
    expect(client.line('CONFIG SET timeout 1')).toEqual(denied('config|set'));
    expect(client.line('SELECT 0')).toBe('OK');
    expect(client.line('SELECT 1')).toEqual(denied('select'));
    expect(client.line('GET')).toEqual(new Error("ERR wrong number of arguments for 'get' command"));
  });

  it('of keys: each is looked at, for what the command does with it', () => {
    const client = clientOf(new LocalServer(), '+@all ~rw:* %R~r:* %W~w:*');
    expect(client.line('MSET rw:1 a w:1 b')).toBe('OK');
    expect(client.line('MSET rw:1 a r:1 b')).toEqual(deniedKey);
    expect(client.line('GET r:1')).toBe(null);
    expect(client.line('GET w:1')).toEqual(deniedKey);
    expect(client.line('SET w:1 c GET')).toEqual(deniedKey);
    expect(client.line('COPY r:1 w:1')).toBe(0);
    expect(client.line('COPY w:1 r:1')).toEqual(deniedKey);
  });

  it('of keys that SORT makes of what it finds: BY and GET read whatever they liked', () => {
    const server = new LocalServer();
    server.client().expectReplies([
      ['RPUSH mine:l 2 1', 2],
      ['MSET secret:1 x secret:2 y', 'OK'],
    ]);
    const by = new Error('ERR BY option of SORT denied due to insufficient ACL permissions.');
    const get = new Error('ERR GET option of SORT denied due to insufficient ACL permissions.');
    const client = clientOf(server, '+@all ~mine:* (+@all %W~*)');
    client.expectReplies([
      ['SORT mine:l', ['1', '2']],
      ['SORT mine:l BY nosort', ['2', '1']],
      ['SORT mine:l BY secret:*', by],
      ['SORT_RO mine:l BY nosort GET secret:*', get],
      ['SORT mine:l GET #', get],
    ]);
    expect(client.run('EVAL', "return redis.call('SORT', 'mine:l', 'GET', 'secret:*')", '0')).toBeInstanceOf(
      Error,
    );
    const reader = clientOf(server, '+@all ~mine:* (+sort %R~*)');
    expect(reader.line('SORT mine:l GET secret:*')).toEqual(['x', 'y']);
    expect(reader.line('SORT_RO mine:l GET secret:*')).toEqual(get);
  });

  it('of keys: the one that a word is given for last was not looked at', () => {
    const server = new LocalServer();
    server.client().expectReplies([
      ['RPUSH mine:l 2 1', 2],
      ['GEOADD mine:g 1 1 m', 1],
      ['XGROUP CREATE secret:s streams 0 MKSTREAM', 'OK'],
    ]);
    const client = clientOf(server, '+@all ~mine:* ~get ~streams');
    client.expectReplies([
      ['SORT mine:l STORE get STORE secret:l', deniedKey],
      ['GEORADIUS mine:g 1 1 1 km STORE mine:a STORE secret:g', deniedKey],
      ['GEORADIUSBYMEMBER mine:g m 1 km STOREDIST mine:a STOREDIST secret:g', deniedKey],
      ['GEORADIUS mine:g 1 1 1 km STORE secret:g STORE mine:a', 1],
      ['XREADGROUP COUNT 1 GROUP streams streams STREAMS secret:s >', deniedKey],
      ['COMMAND GETKEYS XREADGROUP COUNT 1 GROUP streams streams STREAMS a b > >', ['a', 'b']],
      ['COMMAND GETKEYS GEORADIUS a 1 1 1 km STORE b STOREDIST c STORE STORE', ['a', 'STORE', 'c']],
    ]);
    expect(server.client().line('KEYS secret:*')).toEqual(['secret:s']);
  });

  it('of channels: patterns are allowed as they are written only', () => {
    const client = clientOf(new LocalServer(), '+@all resetchannels &news.*');
    expect(client.line('PUBLISH news.1 m')).toBe(0);
    expect(client.line('PUBLISH other m')).toEqual(deniedChannel);
    expect(client.line('PSUBSCRIBE news.1*')).toEqual(deniedChannel);
    expect(client.line('PSUBSCRIBE news.*')).toEqual(['psubscribe', 'news.*', 1]);
  });

  it('of selectors: one of them must allow all of a command', () => {
    const client = clientOf(new LocalServer(), '+@read ~a:* (+@all ~b:*)');
    expect(client.line('SET b:1 v')).toBe('OK');
    expect(client.line('SET a:1 v')).toEqual(deniedKey);
    expect(client.line('GET a:1')).toBe(null);
    expect(client.line('COPY a:1 b:1')).toEqual(deniedKey);
  });

  it('are applied all or none', () => {
    const server = new LocalServer();
    const admin = server.client();
    expect(admin.line('ACL SETUSER u on +get +nosuch')).toEqual(
      new Error("ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL"),
    );
    expect(admin.line('ACL USERS')).toEqual(['default']);
  });

  it('hold inside transactions, when they are queued and when they run', () => {
    const server = new LocalServer();
    const client = clientOf(server, '+@all -set ~a:*');
    client.line('MULTI');
    expect(client.line('SET a:1 v')).toEqual(denied('set'));
    expect(client.line('EXEC')).toEqual(
      new Error('EXECABORT Transaction discarded because of previous errors.'),
    );
    client.line('MULTI');
    client.line('APPEND a:1 v');
    client.line('STRLEN a:1');
    server.client().line('ACL SETUSER u -append');
    expect(client.line('EXEC')).toEqual([
      new Error(
        'NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: no permission to execute the command or subcommand',
      ),
      0,
    ]);
  });

  it('hold inside scripts', () => {
    const server = new LocalServer();
    const client = clientOf(server, '+@all -append ~a:*');
    const refused = client.run('EVAL', "return redis.pcall('append', KEYS[1], 'v').err", 1, 'a:1');
    expect(refused).toContain("ACL failure in script: User u has no permissions to run the 'append' command");
    // Which key it is is not told: the script may have it from elsewhere.
    const unnamed = 'ERR ACL failure in script: No permissions to access a key';
    expect(client.run('EVAL', "return redis.pcall('get', 'b:1').err", 0)).toBe(unnamed);
  });
});

describe('clients', () => {
  it('of a user that is deleted are closed, and listeners of channels that are taken away', () => {
    const server = new LocalServer();
    const admin = server.client();
    const listener = clientOf(server, '+@all ~* &a &b');
    const other = server.client();
    other.line('AUTH u secret');
    listener.line('SUBSCRIBE a b');
    listener.take();
    admin.line('ACL SETUSER u resetchannels &a');
    expect([listener.isClosed, other.isClosed]).toEqual([true, false]);
    expect(admin.line('ACL DELUSER u nosuch')).toBe(1);
    expect(other.isClosed).toBe(true);
  });
});

describe('KV.DELRANGE', () => {
  it('removes no key that the user may not write: it removed whatever was in the range', () => {
    const server = new LocalServer();
    const admin = server.client();
    const client = clientOf(server, '+@all ~a:* %R~r:* (~s:* -@all +kv.delrange)');
    const removeAt = (prefix: string) =>
      client.run('KV.DELRANGE', 0, 'COUNT', 100, 'FROM', `${prefix}:`, 'TO', `${prefix};`);
    for (const prefix of ['a', 'b', 'r', 's']) admin.line(`MSET ${prefix}:1 x ${prefix}:2 x`);
    for (const prefix of ['b', 'r']) expect(removeAt(prefix)).toEqual(deniedKey);
    expect(client.line('KV.DELRANGE 0 COUNT 100')).toEqual(deniedKey);
    expect(client.line('EVAL "return redis.pcall(\'KV.DELRANGE\',0)" 0')).toBeInstanceOf(Error);
    expect(admin.line('DBSIZE')).toBe(8);
    for (const prefix of ['a', 's']) expect(removeAt(prefix)).toEqual([0, 2]);
    expect(removeAt('none')).toEqual([0, 0]);
    expect(admin.line('DBSIZE')).toBe(4);
    const [entry] = admin.line('ACL LOG 1') as Record<'reason' | 'object', unknown>[];
    expect([entry.reason, entry.object]).toEqual(['key', expect.stringMatching(/^[brs]:/)]);
  });
});

describe('ACL LOG', () => {
  it('has what was denied, the same again counted in one entry', () => {
    const server = new LocalServer();
    const admin = server.client();
    const client = clientOf(server, '+@all ~a:* resetchannels');
    client.line('GET b:1');
    client.line('GET b:1');
    client.line('PUBLISH c m');
    client.line('AUTH u wrong');
    const entries = admin.line('ACL LOG') as Record<'count' | 'reason' | 'object' | 'username', unknown>[];
    expect(entries.map((each) => [each.count, each.reason, each.object, each.username])).toEqual([
      [1, 'auth', 'AUTH', 'u'],
      [1, 'channel', 'c', 'u'],
      [2, 'key', 'b:1', 'u'],
    ]);
    expect(admin.line('ACL LOG 1')).toHaveLength(1);
    expect(admin.line('ACL LOG RESET')).toBe('OK');
    expect(admin.line('ACL LOG')).toEqual([]);
  });
});

describe('ACL files', () => {
  function serverWith(file: AclFile): LocalServer {
    return new LocalServer(1, undefined, {}, { aclFile: file });
  }

  it('keep the users as they are', () => {
    const file = new FakeAclFile();
    const server = serverWith(file);
    const admin = server.client();
    admin.line('ACL SETUSER u on >secret ~a:* +get (+set ~b:*)');
    expect(admin.line('ACL SAVE')).toBe('OK');
    const before = admin.line('ACL LIST');
    admin.line('ACL DELUSER u');
    expect(admin.line('ACL LOAD')).toBe('OK');
    expect(admin.line('ACL LIST')).toEqual(before);
    expect(file.text).not.toContain('>secret');
  });

  it('change nothing when a line is wrong, and name each that is', () => {
    const file = new FakeAclFile();
    const admin = serverWith(file).client();
    file.text = 'user u on +nosuch\nnobody\nuser v on ~* ~a\n';
    const problem = admin.line('ACL LOAD') as Error;
    for (const line of ['users.acl:1', 'users.acl:2', 'users.acl:3']) expect(problem.message).toContain(line);
    expect(admin.line('ACL USERS')).toEqual(['default']);
  });

  it('that cannot be read or written are errors', () => {
    const file = new FakeAclFile();
    const admin = serverWith(file).client();
    file.problem = new Error('ENOSPC');
    expect(admin.line('ACL SAVE')).toBeInstanceOf(Error);
    expect((admin.line('ACL LOAD') as Error).message).toContain('ENOSPC');
    expect(new LocalServer().client().line('ACL LOAD')).toBeInstanceOf(Error);
  });
});
