import { describe, expect, it } from 'vitest';
import { LocalServer } from './testing/index.js';

describe('LocalCoordinator', () => {
  it('says which command is unknown, with the beginning of its arguments', () => {
    const client = new LocalServer().client();
    expect(client.line('NOSUCH a b')).toEqual(
      new Error("ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' "),
    );
  });

  it('runs a command and returns its reply', () => {
    const client = new LocalServer().client();
    expect(client.line('SET k v')).toBe('OK');
    expect(client.line('GET k')).toBe('v');
    expect(client.line('SET k w EX 10')).toBe('OK');
  });
});
