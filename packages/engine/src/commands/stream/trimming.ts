/** What XADD and XTRIM say of trimming: `MAXLEN|MINID [=|~] threshold [LIMIT count]`, among other options. */
// @hot-path
import type { Request } from '@holdfast/common';
import { encodingLimits, StreamId, type StreamValue, TrimRule } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { described, notAnInteger, syntaxError } from '../../grammar.js';
import { invalidId, readId, readOpenId } from './ids.js';

/** Without LIMIT an approximate rule removes at most so many nodes' entries. */
const nodesMax = 100;
const limitMax = 1_000_000;
const limitUnbound = 10_000;

const word = (name: string, token: string) => ({ name, type: 'pure-token', token, flags: [] });

/** As the docs show it. */
export const trimArgument = (rules: { readonly countMin: number }) =>
  described(
    {
      type: 'block',
      arguments: [
        {
          name: 'strategy',
          type: 'oneof',
          flags: [],
          arguments: [word('maxlen', 'MAXLEN'), word('minid', 'MINID')],
        },
        {
          name: 'operator',
          type: 'oneof',
          flags: ['optional'],
          arguments: [word('equal', '='), word('approximately', '~')],
        },
        { name: 'threshold', type: 'string', flags: [] },
        { name: 'count', type: 'integer', token: 'LIMIT', flags: ['optional'] },
      ],
    },
    rules,
  );

/** To be filled again by each call. */
export class TrimOptions {
  readonly rule = new TrimRule();
  hasRule = false;
  /** NOMKSTREAM: nothing is made. */
  keepsMissing = false;
  /** The id of XADD: where it is, and which; only its milliseconds when `isOpen`. */
  idAt = 0;
  readonly id = new StreamId();
  isAuto = false;
  isOpen = false;
  #thresholdAt = 0;

  /** Reads from argument 2 on, up to the id when there is one; what is wrong, or null. */
  read({ host, request, session }: Context, hasId: boolean): string | null {
    const { rule } = this;
    rule.limit = 0;
    rule.isApproximate = false;
    this.hasRule = false;
    this.keepsMissing = false;
    this.isAuto = false;
    this.isOpen = false;
    let hasLimit = false;
    for (let at = 2; at < request.count; at++) {
      const hasMore = at + 1 < request.count;
      if (hasId && isByte(request, at, 42)) {
        this.isAuto = true;
        this.idAt = at;
        break;
      }
      if (hasMore && (request.is(at, 'MAXLEN') || request.is(at, 'MINID'))) {
        const problem = this.#readRule(request, at);
        if (problem !== null) return problem;
        at += hasOperator(request, at + 1) ? 2 : 1;
      } else if (hasMore && request.is(at, 'LIMIT')) {
        rule.limit = request.integer(++at);
        if (Number.isNaN(rule.limit)) return notAnInteger;
        if (rule.limit < 0) return 'ERR The LIMIT argument must be >= 0.';
        hasLimit = true;
      } else if (hasId && request.is(at, 'NOMKSTREAM')) {
        this.keepsMissing = true;
      } else if (hasId) {
        this.idAt = at;
        this.isOpen = readOpenId(request, at, this.id);
        if (!this.isOpen && !readId(request, at, this.id)) return invalidId;
        break;
      } else {
        return syntaxError;
      }
    }
    const problem = this.#check(hasId);
    if (problem !== null) return problem;
    // What a server passes on that is followed was worked out there: its limit means nothing any more.
    if (host.upstream?.isItself(session)) rule.limit = 0;
    else return this.#limit(hasLimit);
    return null;
  }

  /** Puts what was left by an approximate rule in place of what it asked for, in the words of the command. */
  makeExact(words: (string | number | Uint8Array)[], stream: StreamValue): void {
    if (!this.hasRule || !this.rule.isApproximate) return;
    words[this.#thresholdAt - 1] = '=';
    if (this.rule.length >= 0) words[this.#thresholdAt] = stream.size;
    else words[this.#thresholdAt] = stream.firstId.toString();
  }

  #readRule(request: Request, at: number): string | null {
    const { rule } = this;
    if (this.hasRule) {
      return 'ERR syntax error, MAXLEN and MINID options at the same time are not compatible';
    }
    this.hasRule = true;
    rule.isApproximate = hasOperator(request, at + 1) && isByte(request, at + 1, 126);
    const threshold = hasOperator(request, at + 1) ? at + 2 : at + 1;
    this.#thresholdAt = threshold;
    if (request.is(at, 'MINID')) {
      rule.length = -1;
      return readId(request, threshold, rule.id) ? null : invalidId;
    }
    rule.length = request.integer(threshold);
    if (Number.isNaN(rule.length)) return notAnInteger;
    return rule.length < 0 ? 'ERR The MAXLEN argument must be >= 0.' : null;
  }

  #check(hasId: boolean): string | null {
    const { rule } = this;
    if (rule.limit > 0 && !this.hasRule) {
      return 'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy';
    }
    if (!hasId && !this.hasRule) {
      return 'ERR syntax error, XTRIM must be called with a trimming strategy';
    }
    return null;
  }

  #limit(hasLimit: boolean): string | null {
    const { rule } = this;
    if (hasLimit && !rule.isApproximate) {
      return 'ERR syntax error, LIMIT cannot be used without the special ~ option';
    }
    if (!hasLimit && rule.isApproximate) {
      const limit = encodingLimits.streamNodeEntries * nodesMax;
      rule.limit = limit === 0 ? limitUnbound : Math.min(limit, limitMax);
    }
    return null;
  }
}

function isByte(request: Request, i: number, byte: number): boolean {
  return request.length(i) === 1 && request.bytes[request.start(i)] === byte;
}

/** Whether argument `i` is `=` or `~`, and another one follows. */
function hasOperator(request: Request, i: number): boolean {
  return i + 1 < request.count && (isByte(request, i, 126) || isByte(request, i, 61));
}
