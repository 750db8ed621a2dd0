/** Figures of the engine, as INFO reports them. */

/** So many codes of errors are told apart, each up to so long. */
const errorCodesMax = 128;
const errorCodeLengthMax = 32;

export class EngineStats {
  hits = 0;
  misses = 0;
  expired = 0;
  expiredFields = 0;
  evicted = 0;
  /** Values whose memory was given back before these figures began. */
  releasesBefore = 0;
  evictedClients = 0;
  errorReplies = 0;
  /** Replies of an error, by its first word. */
  readonly errors = new Map<string, number>();

  /** An error was replied. Codes may come from scripts: no more than some are told apart. */
  countError(message: string): void {
    this.errorReplies++;
    const end = message.indexOf(' ');
    let code = end < 0 || end > errorCodeLengthMax ? 'ERR' : message.slice(0, end);
    if (this.errors.size >= errorCodesMax && !this.errors.has(code)) code = 'ERRORSTATS_OVERFLOW';
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}
