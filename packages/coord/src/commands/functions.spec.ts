import { MutationWriter } from '@holdfast/storage';
import { describe, expect, it } from 'vitest';
import { LocalServer, type Plain, type TestClient } from '../testing/index.js';

function libraryOf(name: string, ...functions: [name: string, body: string][]): string {
  const registered = functions.map(
    ([each, body]) => `redis.register_function('${each}', function(keys, args) ${body} end)`,
  );
  return [`#!lua name=${name}`, ...registered].join('\n');
}

function load(client: TestClient, name: string, ...functions: [name: string, body: string][]): void {
  expect(client.run('FUNCTION', 'LOAD', libraryOf(name, ...functions))).toBe(name);
}

function namesOf(client: TestClient): Plain[] {
  const libraries = client.line('FUNCTION LIST') as { library_name: Plain }[];
  return libraries.map((library) => library.library_name);
}

describe('FUNCTION LOAD', () => {
  it('brings functions, which keep what they have in common', () => {
    const c = new LocalServer().client();
    const code = `#!lua name=counter
      local n = 0
      redis.register_function('add', function(_, args) n = n + args[1] return n end)
      redis.register_function{function_name = 'peek', callback = function() return n end, flags = {'no-writes'}}`;
    expect(c.run('FUNCTION', 'LOAD', code)).toBe('counter');
    expect([c.line('FCALL add 0 2'), c.line('FCALL add 0 3'), c.line('FCALL_RO peek 0')]).toEqual([2, 5, 5]);
    expect(c.line('FCALL_RO add 0 1')).toEqual(
      new Error('ERR Can not execute a script with write flag using *_ro command.'),
    );
  });

  it('changes nothing when something is wrong with the library', () => {
    const c = new LocalServer().client();
    load(c, 'one', ['f', 'return 1']);
    expect(
      c.run('FUNCTION', 'LOAD', 'REPLACE', libraryOf('one', ['g', 'return 2'], ['g', 'return 3'])),
    ).toEqual(expect.any(Error));
    expect(c.run('FUNCTION', 'LOAD', libraryOf('two', ['F', 'return 2']))).toEqual(
      new Error('ERR Function F already exists'),
    );
    expect(c.line('FCALL f 0')).toBe(1);
    expect(namesOf(c)).toEqual(['one']);
  });

  it('ends a library that does not end', () => {
    const server = new LocalServer();
    let spentMs = 0;
    const { clock } = server.env;
    Object.assign(clock, { monotonic: () => (spentMs += 10) });
    const c = server.client();
    expect(c.run('FUNCTION', 'LOAD', '#!lua name=endless\nwhile true do end')).toEqual(
      new Error('ERR Error registering functions: ERR FUNCTION LOAD timeout'),
    );
    load(c, 'one', ['f', 'return 1']);
    expect(c.line('FCALL f 0')).toBe(1);
  });
});

describe('FUNCTION DUMP and FUNCTION RESTORE', () => {
  function payloadOf(...libraries: string[]): Buffer {
    const c = new LocalServer().client();
    for (const name of libraries) load(c, name, [`f_${name}`, `return '${name} as dumped'`]);
    return Buffer.from(String(c.line('FUNCTION DUMP')), 'latin1');
  }

  it('carry libraries from one server to another', () => {
    const c = new LocalServer().client();
    expect(c.run('FUNCTION', 'RESTORE', payloadOf('a', 'b'))).toBe('OK');
    expect(c.line('FCALL f_b 0')).toBe('b as dumped');
    expect(namesOf(c)).toEqual(['a', 'b']);
  });

  it('keep, replace or forget what is there, as told', () => {
    const payload = payloadOf('a', 'b');
    const c = new LocalServer().client();
    load(c, 'b', ['f_b', 'return "b as it was"']);
    load(c, 'c', ['f_c', 'return "c as it was"']);
    expect(c.run('FUNCTION', 'RESTORE', payload)).toEqual(new Error('ERR Library b already exists'));
    expect(namesOf(c)).toEqual(['b', 'c']);
    expect(c.run('FUNCTION', 'RESTORE', payload, 'REPLACE')).toBe('OK');
    expect([c.line('FCALL f_b 0'), c.line('FCALL f_c 0')]).toEqual(['b as dumped', 'c as it was']);
    expect(c.run('FUNCTION', 'RESTORE', payloadOf('b'), 'FLUSH')).toBe('OK');
    expect(namesOf(c)).toEqual(['b']);
  });

  it('refuse functions whose names other libraries have', () => {
    const c = new LocalServer().client();
    load(c, 'other', ['f_a', 'return 1']);
    expect(c.run('FUNCTION', 'RESTORE', payloadOf('b', 'a'), 'REPLACE')).toEqual(
      new Error('ERR Function f_a already exists'),
    );
    expect(namesOf(c)).toEqual(['other']);
    expect(c.line('FCALL f_a 0')).toBe(1);
  });

  it('refuse damaged payloads', () => {
    const c = new LocalServer().client();
    const payload = payloadOf('a');
    for (let at = 0; at < payload.length; at += 3) {
      const damaged = Buffer.from(payload);
      damaged[at] ^= 1;
      expect(c.run('FUNCTION', 'RESTORE', damaged)).toEqual(
        new Error('ERR DUMP payload version or checksum are wrong'),
      );
    }
    expect(namesOf(c)).toEqual([]);
  });
});

describe('libraries as data', () => {
  it('are in the journal, and come back from it', () => {
    const server = new LocalServer();
    load(server.client(), 'one', ['f', 'return 1']);
    const other = new LocalServer(1, server.storage);
    expect(other.client().line('FCALL f 0')).toBe(1);
  });

  it('follow what others write, while they follow', () => {
    const [leader, follower] = [new LocalServer(), new LocalServer()];
    const [c, reader] = [leader.client(), follower.client()];
    const journal = new MutationWriter();
    leader.storage.journal = journal;
    const follow = (): void => {
      follower.storage.apply(Buffer.from(journal.bytes.subarray(0, journal.length)), 0);
      journal.clear();
    };
    expect(reader.line('FCALL f 0')).toEqual(new Error('ERR Function not found'));
    load(c, 'one', ['f', 'return 1']);
    follow();
    expect(reader.line('FCALL f 0')).toBe(1);
    c.run('FUNCTION', 'LOAD', 'REPLACE', libraryOf('one', ['f', 'return 2']));
    follow();
    expect(reader.line('FCALL f 0')).toBe(2);
    c.line('FUNCTION DELETE one');
    follow();
    expect(reader.line('FCALL f 0')).toEqual(new Error('ERR Function not found'));
  });

  it('are those of the storage that the server goes on with', () => {
    const first = new LocalServer();
    const second = new LocalServer();
    const [a, b] = [first.client(), second.client()];
    load(a, 'one', ['f', 'return 1']);
    load(b, 'two', ['g', 'return 2']);
    first.kv.replaceStorage(second.storage);
    expect(a.line('FCALL g 0')).toBe(2);
    expect(a.line('FCALL f 0')).toEqual(new Error('ERR Function not found'));
  });

  it('outlive an interpreter that broke', () => {
    const c = new LocalServer().client();
    c.line('CONFIG SET lua-memory-limit 32mb');
    load(c, 'one', ['f', 'return 1'], ['greedy', 'local s = "x" while true do s = s .. s end']);
    for (let i = 0; i < 3; i++) {
      expect((c.line('FCALL greedy 0') as Error).message).toContain('not enough memory');
      expect(c.line('FCALL f 0')).toBe(1);
    }
  });

  it('stay when databases are emptied', () => {
    const c = new LocalServer().client();
    load(c, 'one', ['f', 'return 1']);
    c.line('FLUSHALL');
    expect(c.line('FCALL f 0')).toBe(1);
    expect(c.line('DBSIZE')).toBe(0);
    c.line('FUNCTION FLUSH');
    expect(c.line('FCALL f 0')).toEqual(new Error('ERR Function not found'));
  });
});
