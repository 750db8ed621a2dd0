/** What is passed on, command by command: as Redis 7.2 does it. Real replicas are in the integration specs. */
import { LocalServer, type TestClient } from '@holdfast/coord/testing';
import { type CommandUnit, Propagation } from '@holdfast/engine';
import { describe, expect, it } from 'vitest';

/** Units as lines: words of a command by spaces, commands of a unit by ` | `, times left out. */
function follow(server: LocalServer): string[] {
  const units: string[] = [];
  const sink = {
    isCopying: false,
    propagate(unit: CommandUnit): void {
      const commands: string[] = [];
      for (let i = 0; i < unit.count; i++) {
        const text = Buffer.from(unit.bytes.subarray(unit.start(i), unit.start(i + 1))).toString('latin1');
        const words = text.split('\r\n').filter((_, at) => at > 1 && at % 2 === 0);
        commands.push(
          words
            .join(' ')
            .trim()
            .replace(/\b\d{12,}\b/g, 'T'),
        );
      }
      units.push(`${unit.isAtomic ? '' : '~'}${commands.join(' | ')}`);
    },
    aboutToChange(): void {},
    aboutToReplace(): void {},
  };
  server.kv.propagation = new Propagation(server.kv, sink);
  return units;
}

function passedOn(...lines: string[]): string[] {
  const server = new LocalServer();
  const client: TestClient = server.client();
  server.env.advance(1_700_000_000_000 - server.env.clock.now());
  const units = follow(server);
  for (const line of lines) client.line(line);
  return units;
}

describe('what is passed on', () => {
  it.each<readonly [lines: string, passed: string]>([
    ['SET k v EX 10', 'SET k v PXAT T'],
    ['SET k v GET', 'SET k v'],
    ['SET k v; SET k w IFEQ v', 'SET k v; SET k w'],
    ['SETEX k 10 v', 'SET k v PXAT T'],
    ['SET k v; GETEX k EX 10; GETEX k PERSIST; GETEX k', 'SET k v; PEXPIREAT k T; PERSIST k'],
    ['SET k v; GETDEL k; GETDEL k', 'SET k v; DEL k'],
    ['SET k v; EXPIRE k 10 NX; EXPIRE k -1', 'SET k v; PEXPIREAT k T NX; DEL k'],
    ['INCRBYFLOAT k 0.1', 'SET k 0.1 KEEPTTL'],
    ['HINCRBYFLOAT h f 0.1', 'HSET h f 0.1'],
    ['SADD s a; SPOP s; SADD s a; SPOP s 5', 'SADD s a; SREM s a; SADD s a; DEL s'],
    [
      'RPUSH l a b c d; BLPOP l 0; BLMOVE l m LEFT RIGHT 0; LMPOP 1 l RIGHT COUNT 9',
      'RPUSH l a b c d; LPOP l; LMOVE l m LEFT RIGHT; RPOP l 2',
    ],
    [
      'ZADD z 1 a 2 b 3 c; BZPOPMAX z 0; ZMPOP 2 n z MIN COUNT 5',
      'ZADD z 1 a 2 b 3 c; ZPOPMAX z; ZPOPMIN z 2',
    ],
    ['XADD x * f v; XTRIM x MAXLEN ~ 0', 'XADD x T-0 f v; XTRIM x MAXLEN = 0'],
    [
      'XADD x 1-0 f v; XGROUP CREATE x g 0; XREADGROUP GROUP g c STREAMS x >',
      'XADD x 1-0 f v; XGROUP CREATE x g 0; XCLAIM x g c 0 1-0 TIME T RETRYCOUNT 1 FORCE JUSTID LASTID 1-0',
    ],
    [
      'XADD x 1-0 f v; XGROUP CREATE x g 0; XREADGROUP GROUP g c NOACK STREAMS x >',
      'XADD x 1-0 f v; XGROUP CREATE x g 0; XGROUP CREATECONSUMER x g c | XGROUP SETID x g 1-0 ENTRIESREAD 1',
    ],
    ['MULTI; SET a 1; GET a; SET b 2; EXEC', 'SET a 1 | SET b 2'],
    ['MULTI; PUBLISH c m; EXEC; MULTI; GET a; EXEC', 'PUBLISH c m'],
    ['DEL nothing; SREM nothing a; LPUSHX nothing a', ''],
    ['KV.PUT k v', 'RESTORE'],
    ['FLUSHALL; SWAPDB 0 1', 'FLUSHALL; SWAPDB 0 1'],
  ])('%s -> %s', (lines, passed) => {
    const units = passedOn(...lines.split('; ')).map((unit) =>
      unit.startsWith('RESTORE') ? 'RESTORE' : unit,
    );
    expect(units.join('; ')).toBe(passed);
  });

  it('the effects of a script, not the script', () => {
    const server = new LocalServer();
    const client = server.client();
    const units = follow(server);
    client.run('EVAL', "redis.call('SET', 'a', 1) redis.call('GET', 'a') redis.call('INCR', 'a')", '0');
    client.run('EVAL', "return redis.call('GET', 'a')", '0');
    expect(units).toEqual(['SET a 1 | INCR a']);
  });

  it('the end of a key whose time was over, before what found it; each by itself when a walk did', () => {
    const server = new LocalServer();
    const client = server.client();
    const units = follow(server);
    for (const key of ['a', 'b', 'c']) client.run('SET', key, '1', 'PX', '5');
    units.length = 0;
    client.line('DEBUG SET-ACTIVE-EXPIRE 0');
    server.env.advance(10);
    client.line('LPUSH a x');
    client.line('LPUSHX b x');
    client.line('SCAN 0');
    expect(units).toEqual(['DEL a | LPUSH a x', 'DEL b', '~DEL c']);
  });

  it('what woke one that waited, then what that took', () => {
    const server = new LocalServer();
    const [client, waiter] = [server.client(), server.client()];
    const units = follow(server);
    waiter.line('BLPOP l 0');
    client.line('RPUSH l a');
    expect(units).toEqual(['RPUSH l a', 'LPOP l']);
  });
});
