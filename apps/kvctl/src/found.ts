/** What a check has found so far. */
import type { Findings } from '@holdfast/common';
import { findingsMax } from './limits.js';
import { bytesText } from './output.js';
import type { Progress } from './progress.js';

export interface Finding {
  readonly place: string;
  readonly what: string;
}

export class Found implements Findings {
  /** The first of them: the rest is counted. */
  readonly damages: Finding[] = [];
  readonly notes: Finding[] = [];
  damageCount = 0;
  bytes = 0;
  readonly #progress: Progress;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  damage(place: string, what: string): void {
    this.damageCount++;
    if (this.damages.length < findingsMax) this.damages.push({ place, what });
  }

  note(place: string, what: string): void {
    if (this.notes.length < findingsMax) this.notes.push({ place, what });
  }

  passed(bytes: number): void {
    this.bytes += bytes;
    this.#progress.tell(() => `${bytesText(this.bytes)} read, damaged in ${this.damageCount} places`);
  }
}
