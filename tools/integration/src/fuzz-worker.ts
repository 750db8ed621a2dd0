/** The thread that fuzzes: decoder and commands in turn, until the time is over. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { SeededRandom } from '@holdfast/common/testing';
import { CommandFuzz } from './fuzz-commands.js';
import { DecoderFuzz } from './fuzz-decoder.js';
import { FuzzProgress } from './fuzz-progress.js';

export interface FuzzOrder {
  readonly seed: number;
  /** Infinity: until it is ended. */
  readonly seconds: number;
  readonly memory: SharedArrayBuffer;
}

/** What is said every now and then, and at the end. */
export interface FuzzCounts {
  readonly inputs: number;
  readonly commands: number;
}

/** One kind is left for the other after so long. */
const decoderMs = 250;
const commandsMs = 750;
const reportMs = 10_000;

function repeat(ms: number, work: () => void): void {
  const untilMs = performance.now() + ms;
  do work();
  while (performance.now() < untilMs);
}

function fuzz({ seed, seconds, memory }: FuzzOrder, report: (counts: FuzzCounts) => void): void {
  const progress = new FuzzProgress(memory);
  const decoder = new DecoderFuzz(new SeededRandom(seed), (input) => progress.note(input));
  const commands = new CommandFuzz(seed, (request) => progress.note(request));
  const untilMs = performance.now() + seconds * 1000;
  let reportedMs = performance.now();
  const counts = (): FuzzCounts => ({ inputs: decoder.inputCount, commands: commands.commandCount });
  while (performance.now() < untilMs) {
    repeat(decoderMs, () => decoder.round());
    repeat(commandsMs, () => commands.round());
    if (performance.now() - reportedMs > reportMs) {
      reportedMs = performance.now();
      report(counts());
    }
  }
  report(counts());
}

if (!isMainThread) fuzz(workerData as FuzzOrder, (counts) => parentPort?.postMessage(counts));
