/** What a way to keep a number in a register of the crash test is: see crash-load.ts. */
import type { RespArgument, WireReply } from '@holdfast/protocol/testing';

export type Step = readonly RespArgument[];

/** One way to keep a number, so that a half-applied write shows. */
export interface Form {
  readonly name: string;
  /** The requests that bring the register from `n - 1` to `n`: one write, or one transaction. */
  write(key: string, n: number): readonly Step[];
  /** One request that reads it, all of its names: level storage that never has all keys in memory takes other ways. */
  read(key: string): Step;
  /** The number that a reply to `read` stands for; throws when it is no whole state. */
  parse(reply: WireReply): number;
  /** All its names in database 0 after `n` writes, of which there was one at least. */
  names(key: string, n: number): readonly string[];
  /** The version that the reply to a write tells, if it does. */
  versionOf?(reply: WireReply): number;
}

export const alone = (key: string): readonly string[] => [key];
export const named =
  (...ends: string[]): Form['names'] =>
  (key) =>
    ends.map((end) => `${key}:${end}`);

export function numberOf(reply: WireReply): number {
  if (reply.items !== null || reply.type === '-') throw new Error(`unexpected ${JSON.stringify(reply)}`);
  return reply.text === null ? 0 : Number(reply.text.split(' ', 1)[0]);
}

/** All parts of a state must be the same number. */
export function sameNumber(reply: WireReply): number {
  if (reply.type === '-') throw new Error(reply.text!);
  const numbers = (reply.items ?? []).map(numberOf);
  if (numbers.length === 0 || numbers.some((n) => n !== numbers[0])) {
    throw new Error(`half applied: ${numbers.join(', ')}`);
  }
  return numbers[0];
}
