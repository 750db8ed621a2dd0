import { describe, expect, it } from 'vitest';
import { LocalServer } from './testing/index.js';

describe('LocalCoordinator', () => {
  it('says which command is unknown, with the beginning of its arguments', () => {
    const client = new LocalServer().client();
    expect(client.line('NOSUCH a b')).toEqual(
      new Error("ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' "),
    );
  });

  it('repeats 128 bytes of the arguments of an unknown command, not 128 characters', () => {
    const client = new LocalServer().client();
    expect(client.run('NOSUCH', '\u{1f511}'.repeat(25), 'x'.repeat(40), 'left out')).toEqual(
      new Error(
        `ERR unknown command 'NOSUCH', with args beginning with: '${'\u{1f511}'.repeat(25)}' '${'x'.repeat(25)}' `,
      ),
    );
  });

  it('runs a command and returns its reply', () => {
    const client = new LocalServer().client();
    expect(client.line('SET k v')).toBe('OK');
    expect(client.line('GET k')).toBe('v');
    expect(client.line('SET k w EX 10')).toBe('OK');
  });
});
