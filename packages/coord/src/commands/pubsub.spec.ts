import { describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

/** Everything that arrived and was not taken yet. */
function allOf(client: TestClient): unknown[] {
  const taken: unknown[] = [];
  for (let each = client.take(); each !== undefined; each = client.take()) taken.push(each);
  return taken;
}

describe('SUBSCRIBE and its kin', () => {
  it('confirm each name, and count channels and patterns together, shard channels by themselves', () => {
    const client = new LocalServer().client(3);
    expect([client.line('SUBSCRIBE a b a'), ...allOf(client)]).toEqual([
      ['subscribe', 'a', 1],
      ['subscribe', 'b', 2],
      ['subscribe', 'a', 2],
    ]);
    expect(client.line('PSUBSCRIBE p*')).toEqual(['psubscribe', 'p*', 3]);
    expect(client.line('SSUBSCRIBE s')).toEqual(['ssubscribe', 's', 1]);
    expect(client.line('UNSUBSCRIBE none')).toEqual(['unsubscribe', 'none', 3]);
    expect([client.line('UNSUBSCRIBE'), ...allOf(client)]).toEqual([
      ['unsubscribe', 'a', 2],
      ['unsubscribe', 'b', 1],
    ]);
    expect(client.line('UNSUBSCRIBE')).toEqual(['unsubscribe', null, 1]);
    expect(client.line('PUNSUBSCRIBE')).toEqual(['punsubscribe', 'p*', 0]);
    expect(client.line('PUNSUBSCRIBE')).toEqual(['punsubscribe', null, 0]);
    expect(client.line('SUNSUBSCRIBE')).toEqual(['sunsubscribe', 's', 0]);
    expect(client.line('SUNSUBSCRIBE')).toEqual(['sunsubscribe', null, 0]);
  });

  it('leave PING of a RESP2 client that hears shard channels alone as that of other subscribers', () => {
    const client = new LocalServer().client();
    client.line('SSUBSCRIBE s');
    expect(client.line('PING a')).toEqual(['pong', 'a']);
    client.line('SUNSUBSCRIBE');
    expect(client.line('PING a')).toBe('a');
  });

  it('leave a RESP2 client only some commands', () => {
    const client = new LocalServer().client();
    client.line('SSUBSCRIBE s');
    const allowed =
      'only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context';
    expect(client.line('GET k')).toEqual(new Error(`ERR Can't execute 'get': ${allowed}`));
    expect(client.line('SLOWLOG RESET')).toEqual(new Error(`ERR Can't execute 'slowlog|reset': ${allowed}`));
    client.line('SUBSCRIBE a');
    expect(client.line('PING')).toEqual(['pong', '']);
    expect(client.line('PING hi')).toEqual(['pong', 'hi']);
    client.line('SUNSUBSCRIBE');
    client.line('UNSUBSCRIBE');
    expect(client.line('GET k')).toBeNull();
    client.line('SUBSCRIBE a');
    expect(client.line('RESET')).toBe('RESET');
    expect(client.line('GET k')).toBeNull();
  });

  it('leave a RESP3 client everything', () => {
    const client = new LocalServer().client(3);
    client.line('SUBSCRIBE a');
    expect(client.line('PING')).toBe('PONG');
    expect(client.line('SET k v')).toBe('OK');
  });
});

describe('PUBLISH', () => {
  it('reaches channels and patterns, once for each that fits', () => {
    const server = new LocalServer();
    const [a, b, c] = [server.client(3), server.client(3), server.client()];
    a.line('SUBSCRIBE news');
    a.line('PSUBSCRIBE n*');
    b.line('PSUBSCRIBE ?ews');
    expect(c.line('PUBLISH news hello')).toBe(3);
    expect(allOf(a)).toEqual([
      ['message', 'news', 'hello'],
      ['pmessage', 'n*', 'news', 'hello'],
    ]);
    expect(allOf(b)).toEqual([['pmessage', '?ews', 'news', 'hello']]);
    expect(c.line('PUBLISH other x')).toBe(0);
    b.close();
    expect(c.line('PUBLISH news again')).toBe(2);
  });

  it('keeps shard channels apart', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(3), server.client()];
    a.line('SSUBSCRIBE news');
    expect(b.line('PUBLISH news x')).toBe(0);
    expect(b.line('SPUBLISH news x')).toBe(1);
    expect(allOf(a)).toEqual([['smessage', 'news', 'x']]);
  });

  it('reaches the publisher itself after its reply', () => {
    const client = new LocalServer().client(3);
    client.line('SUBSCRIBE a');
    expect([client.line('PUBLISH a x'), ...allOf(client)]).toEqual([1, ['message', 'a', 'x']]);
    client.line('MULTI');
    client.line('PUBLISH a 1');
    client.line('PUBLISH a 2');
    expect([client.line('EXEC'), ...allOf(client)]).toEqual([
      [1, 1],
      ['message', 'a', '1'],
      ['message', 'a', '2'],
    ]);
  });

  it('makes what listeners are sent depend on what the publisher wrote', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(3), server.client()];
    a.line('SUBSCRIBE a');
    b.line('SET k v');
    b.line('PUBLISH a x');
    expect(a.session.dependsOn).toBe(b.session.dependsOn);
  });
});

describe('PUBSUB', () => {
  it('tells who listens to what', () => {
    const server = new LocalServer();
    const [a, b, c] = [server.client(), server.client(), server.client(3)];
    a.line('SUBSCRIBE news weather');
    b.line('SUBSCRIBE news');
    b.line('PSUBSCRIBE n*');
    a.line('PSUBSCRIBE n*');
    a.line('SSUBSCRIBE shard');
    expect(c.line('PUBSUB CHANNELS')).toEqual(['news', 'weather']);
    expect(c.line('PUBSUB CHANNELS n*')).toEqual(['news']);
    expect(c.line('PUBSUB NUMSUB news none')).toEqual(['news', 2, 'none', 0]);
    expect(c.line('PUBSUB NUMSUB')).toEqual([]);
    expect(c.line('PUBSUB NUMPAT')).toBe(1);
    expect(c.line('PUBSUB SHARDCHANNELS')).toEqual(['shard']);
    expect(c.line('PUBSUB SHARDNUMSUB shard news')).toEqual(['shard', 1, 'news', 0]);
  });
});

describe('keyspace events', () => {
  it('are published as notify-keyspace-events asks for them', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(3), server.client()];
    a.line('PSUBSCRIBE __key*');
    b.line('SET k v');
    b.line('CONFIG SET notify-keyspace-events KEA');
    expect(b.line('CONFIG GET notify-keyspace-events')).toEqual({ 'notify-keyspace-events': 'AKE' });
    b.line('SET k v');
    b.line('CONFIG SET notify-keyspace-events Kg');
    b.line('SET k w');
    b.line('DEL k');
    expect(allOf(a)).toEqual([
      ['pmessage', '__key*', '__keyspace@0__:k', 'set'],
      ['pmessage', '__key*', '__keyevent@0__:set', 'k'],
      ['pmessage', '__key*', '__keyspace@0__:k', 'del'],
    ]);
  });

  it('tell of misses only when asked', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(3), server.client()];
    a.line('PSUBSCRIBE __keyevent*');
    b.line('CONFIG SET notify-keyspace-events EA');
    b.line('GET none');
    b.line('CONFIG SET notify-keyspace-events Em');
    b.line('GET none');
    expect(allOf(a)).toEqual([['pmessage', '__keyevent*', '__keyevent@0__:keymiss', 'none']]);
  });

  it('tell of misses of what commands read that write something else', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(3), server.client()];
    a.line('PSUBSCRIBE __keyevent*');
    b.line('CONFIG SET notify-keyspace-events Em');
    const lines = [
      ...['SUNIONSTORE to m1', 'ZUNIONSTORE to 1 m2', 'ZRANGESTORE to m3 0 -1', 'GETEX m4', 'GETDEL m5'],
      ...['GETSET m6 v', 'SET m7 v GET', 'BITFIELD m8 GET u8 0', 'BITFIELD none SET u8 0 1', 'SET none v'],
    ];
    for (const line of lines) b.line(line);
    const missed = allOf(a).map((message) => (message as string[])[3]);
    expect(missed).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8']);
  });
});
