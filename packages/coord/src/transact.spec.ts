import { ErrorReply, StatusReply } from '@holdfast/common';
import { expect, it } from 'vitest';
import type { Answer, Caller } from './caller.js';
import { transact } from './transact.js';

/** A caller whose server answers EXEC with this error. */
function callerOf(message: string): Caller {
  const run = async ([name]: readonly unknown[]): Promise<Answer> => ({
    value: name === 'EXEC' ? new ErrorReply(message) : new StatusReply('QUEUED'),
    version: 0,
  });
  return { run } as unknown as Caller;
}

it('says why a transaction was refused: of a cluster it was EXECABORT, whatever the reason', async () => {
  const commands = [[Buffer.from('PING')]];
  for (const [message, expected] of [
    ['EXECABORT Transaction discarded because of: OOM no memory', 'OOM no memory'],
    ['EXECABORT Transaction discarded because of previous errors.', null],
    ['UNDETERMINED it may have been done', null],
  ] as const) {
    const { value } = await transact(callerOf(message), [], commands);
    expect(value).toEqual(new ErrorReply(expected ?? message));
  }
});
