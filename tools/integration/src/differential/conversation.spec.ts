import { expect, it } from 'vitest';
import { type Turn, withReplies } from './conversation.js';

it('has no CLIENT REPLY within a transaction of the same connection', () => {
  const turn = (by: number, line: string): Turn => ({ by, request: line.split(' ') });
  const before = [turn(0, 'CLIENT REPLY SKIP'), turn(0, 'MULTI'), turn(1, 'CLIENT REPLY SKIP')];
  const after = [turn(0, 'EXEC'), turn(0, 'CLIENT REPLY SKIP')];
  expect(withReplies([...before, turn(0, 'CLIENT REPLY SKIP'), ...after])).toEqual([...before, ...after]);
});
