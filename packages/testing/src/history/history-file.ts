/**
 * Histories as files of JSON lines: a first line that names the format, then one line for each event in the
 * order of recording.
 *
 *     {"format":"history","version":1}
 *     {"at":120,"id":0,"process":"client 1","key":"k","invoke":{"op":"set","value":5}}
 *     {"at":180,"id":0,"outcome":"ok"}
 *
 * What a recorder wrote before it was killed is a history: operations without a completion are unknown, and a
 * last line that is cut off is ignored. Anything else that is wrong is an error that names the line.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { KvError } from '@holdfast/common';
import { History, type HistoryEvent } from './history.js';
import type { Outcome } from './operation.js';

const header = '{"format":"history","version":1}';

export function linesOf(history: History): string[] {
  return [header, ...history.events().map((event) => JSON.stringify(event))];
}

/** Throws KvError CORRUPT, naming the line. `name` stands in the message. */
export function historyOf(text: string, name = 'history'): History {
  const lines = text.split('\n');
  // After the last newline comes nothing, or a line that was cut off.
  lines.pop();
  if (lines[0] !== header) throw new KvError('CORRUPT', `${name}, line 1: not a history of version 1`);
  let line = 1;
  function* events(): Iterable<HistoryEvent> {
    for (line = 2; line <= lines.length; line++) yield eventOf(lines[line - 1]);
  }
  try {
    return History.fromEvents(events());
  } catch (error) {
    throw new KvError('CORRUPT', `${name}, line ${line}: ${(error as Error).message}`, { cause: error });
  }
}

/** Writes a whole history, replacing the file. */
export function writeHistory(path: string, history: History): void {
  writeFileSync(path, `${linesOf(history).join('\n')}\n`);
}

/** Reads a history that `writeHistory` or `historySink` wrote. */
export function readHistory(path: string): History {
  return historyOf(readFileSync(path, 'utf8'), path);
}

/** A sink that writes each event to a file at once, so that it is there when this process is killed. */
export function historySink(path: string): (event: HistoryEvent) => void {
  writeFileSync(path, `${header}\n`);
  return (event) => appendFileSync(path, `${JSON.stringify(event)}\n`);
}

const outcomes: readonly unknown[] = ['ok', 'fail', 'unknown'] satisfies Outcome[];

function eventOf(line: string): HistoryEvent {
  const event = JSON.parse(line) as Record<string, unknown>;
  const { at, id, process, key, invoke, outcome } = event;
  const isInvocation = typeof process === 'string' && typeof key === 'string' && invoke !== undefined;
  if (!Number.isSafeInteger(at) || !Number.isSafeInteger(id) || !(isInvocation || outcomes.includes(outcome)))
    throw new Error('neither an invocation nor a completion');
  return event as unknown as HistoryEvent;
}
