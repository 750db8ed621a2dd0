/** A sequence that fails, as short as it gets, as text. */
import { expiresSoon, lineOf, type RandomRequest, waitsLong } from './request.js';
import type { RandomSequence } from './sequence.js';
import type { ServerPair } from './server-pair.js';
import { shrink } from './shrink.js';
import { type Finding, tryAlone } from './trial.js';

const attemptsMax = 500;
const attemptsWithRestartMax = 60;
/** When replies don't come each attempt takes its time. */
const attemptsWithoutRepliesMax = 20;

/** Cuts a sequence with a finding down to what the finding needs. */
export async function explain(pair: ServerPair, sequence: RandomSequence, finding: Finding): Promise<string> {
  const items: Item[] = [...sequence.requests];
  // The restart is one more item of the list, which may be left out too.
  if (sequence.restartAt !== null) items.splice(sequence.restartAt, 0, restart);
  let last = finding;
  const fails = async (candidate: readonly Item[]): Promise<boolean> => {
    const again = await tryAlone(pair, withItems(sequence, candidate));
    if (again?.signature !== finding.signature) return false;
    last = again;
    return true;
  };
  const max = attemptsFor(sequence, finding);
  const shortest = await shrink<Item>(items, { fails, simpler: simplerItems, attemptsMax: max });
  return describe(withItems(sequence, shortest), last);
}

/** A sequence and what is wrong with it, as it stands. */
export function describe(sequence: RandomSequence, finding: Finding): string {
  const lines = sequence.requests.map(lineOf);
  if (sequence.restartAt !== null) lines.splice(sequence.restartAt, 0, '(killed and started again)');
  if (finding.signature.startsWith('state')) lines.push(lineOf(finding.request));
  return [
    `${finding.signature} (RESP${sequence.dialect}, seed ${sequence.seed})`,
    ...lines.map((line) => `  ${line}`),
    `    redis    ${shortened(finding.theirs)}`,
    `    holdfast ${shortened(finding.ours)}`,
  ].join('\n');
}

function attemptsFor(sequence: RandomSequence, { signature }: Finding): number {
  if (signature.startsWith('broken')) return attemptsWithoutRepliesMax;
  return sequence.restartAt === null ? attemptsMax : attemptsWithRestartMax;
}

function withItems(sequence: RandomSequence, items: readonly Item[]): RandomSequence {
  const at = items.indexOf(restart);
  const requests = items.filter((item) => item !== restart);
  return { ...sequence, requests, restartAt: at < 0 ? null : at };
}

const restart: unique symbol = Symbol('restart');
type Item = RandomRequest | typeof restart;

function simplerItems(item: Item): readonly Item[] {
  if (item === restart) return [];
  return simplerRequests(item).filter((request) => !waitsLong(request) && !expiresSoon(request));
}

/** Fewer words, shorter words, usual words. */
export function simplerRequests(request: RandomRequest): RandomRequest[] {
  const forms: RandomRequest[] = [];
  for (let at = request.length - 1; at > 0; at--) {
    if (request.length > 8) forms.push(request.toSpliced(at, 8));
    for (const count of [2, 1]) forms.push(request.toSpliced(at, count));
  }
  for (let at = request.length - 1; at > 0; at--) {
    const word = request[at];
    if (word.length > 4) forms.push(request.with(at, word.slice(0, word.length / 2)));
    for (const simple of ['a', '1', '0'])
      if (word !== simple && !/^[a01]$/.test(word)) forms.push(request.with(at, simple));
  }
  return forms;
}

export function shortened(text: string): string {
  return text.length <= 600 ? text : `${text.slice(0, 600)}...`;
}
