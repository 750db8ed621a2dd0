/**
 * XREAD and XREADGROUP: their arguments, and what both do. First all streams are looked at, so that an error
 * changes nothing, then it is planned what each of them gives, since a reply begins with how many do; then the
 * plans are carried out.
 */
// @hot-path
import { type Reply, Request } from '@holdfast/common';
import {
  type StreamConsumer,
  StreamCursor,
  type StreamGroup,
  StreamId,
  type StreamValue,
  valueTypes,
} from '@holdfast/storage';
import type { Context } from '../../context.js';
import {
  bytes,
  integer,
  key,
  notAnInteger,
  option,
  syntaxError,
  timeoutProblem,
  unparsed,
} from '../../grammar.js';

/** No BLOCK was given. */
const neverBlocks = -1;

/** Other commands of a script that would block do not wait; these refuse. */
function notInScripts(request: Request): string {
  return `ERR ${request.text(0)} command is not allowed with BLOCK option from scripts`;
}

/** What one stream gives. */
export class StreamPlan {
  stream: StreamValue | null = null;
  /** Entries behind this one. */
  readonly after = new StreamId();
  /** `$`, or `+`: resolved when it was looked at, and when the command waits, for good. */
  isResolved = false;
  count = 0;
  /** At the first of them. */
  readonly cursor = new StreamCursor();
  // Of a group
  group: StreamGroup | null = null;
  consumer: StreamConsumer | null = null;
  /** What is pending for the consumer, not what is new. */
  isHistory = false;

  /** Finds the entries behind `after`, at most `max`: how many there are. */
  find(after: StreamId, max: number): number {
    const { cursor, stream } = this;
    if (stream === null || !cursor.seekBehind(stream, after)) return 0;
    return cursor.countTo(greatest, max);
  }
}

const greatest = new StreamId().toMax();

/** The arguments of one call: to be filled again by each. */
export class StreamRead {
  timeoutMs = neverBlocks;
  countMax = Number.POSITIVE_INFINITY;
  /** The first key; as many ids follow as there are keys. */
  firstKey = 0;
  /** Number of streams. */
  streams = 0;
  /** Arguments of the names, 0 when there are none. */
  groupAt = 0;
  consumerAt = 0;
  isKept = true;
  readonly plans: StreamPlan[] = [];

  /** Reads all arguments; what is wrong with them, or null. */
  read({ request, kv }: Context, isGroup: boolean): string | null {
    this.timeoutMs = neverBlocks;
    this.countMax = Number.POSITIVE_INFINITY;
    this.firstKey = 0;
    this.groupAt = 0;
    this.isKept = true;
    for (let at = 1; at < request.count && this.firstKey === 0; at++) {
      const more = request.count - at - 1;
      if (more > 0 && request.is(at, 'STREAMS')) {
        this.firstKey = at + 1;
        if (more % 2 !== 0) return unbalanced(isGroup);
        this.streams = more / 2;
      } else if (more > 0 && (request.is(at, 'BLOCK') || request.is(at, 'COUNT'))) {
        if (kv.scripting.execution.current !== null && request.is(at, 'BLOCK')) return notInScripts(request);
        const problem = this.#readNumber(request, at++);
        if (problem !== null) return problem;
      } else if (more > 1 && request.is(at, 'GROUP')) {
        if (!isGroup) return onlyOfGroups('GROUP');
        this.groupAt = at + 1;
        this.consumerAt = at + 2;
        at += 2;
      } else if (request.is(at, 'NOACK')) {
        if (!isGroup) return onlyOfGroups('NOACK');
        this.isKept = false;
      } else {
        return syntaxError;
      }
    }
    if (this.firstKey === 0) return syntaxError;
    if (isGroup && this.groupAt === 0) return 'ERR Missing GROUP option for XREADGROUP';
    while (this.plans.length < this.streams) this.plans.push(new StreamPlan());
    return null;
  }

  /** The value of BLOCK or COUNT. */
  #readNumber(request: Request, at: number): string | null {
    const n = request.integer(at + 1);
    if (request.is(at, 'COUNT')) {
      if (Number.isNaN(n)) return notAnInteger;
      this.countMax = n <= 0 ? Number.POSITIVE_INFINITY : n;
      return null;
    }
    this.timeoutMs = n;
    return timeoutProblem(n, 'an integer');
  }

  keyAt(i: number): number {
    return this.firstKey + i;
  }

  idAt(i: number): number {
    return this.firstKey + this.streams + i;
  }

  /** How many streams give something. */
  get served(): number {
    let served = 0;
    for (let i = 0; i < this.streams; i++) {
      const { count, isHistory } = this.plans[i];
      if (count > 0 || isHistory) served++;
    }
    return served;
  }

  /** Nothing of the data is held on to. */
  clear(): void {
    for (let i = 0; i < this.streams; i++) {
      const plan = this.plans[i];
      plan.stream = null;
      plan.group = null;
      plan.consumer = null;
    }
  }

  /** Announces what one stream gives: its key goes first. */
  replyKey({ request }: Context, i: number, reply: Reply): void {
    if (reply.dialect === 2) reply.array(2);
    const key = this.keyAt(i);
    reply.bulk(request.bytes, request.start(key), request.length(key));
  }

  /** Nothing is there: waits for it, if that is wanted. */
  wait(ctx: Context, isGroup: boolean, reply: Reply): void {
    if (this.timeoutMs === neverBlocks) return reply.nullArray();
    ctx.block(this.firstKey, this.streams, {
      type: valueTypes.stream,
      isExacting: isGroup,
      timeoutMs: this.timeoutMs,
      onTimeout: replyNullArray,
      retry: this.#resolved(ctx.request),
    });
  }

  /** The request with `$` and `+` as they are meant now. */
  #resolved(request: Request): Request {
    const first = this.firstKey + this.streams;
    let args: Uint8Array[] | null = null;
    for (let i = 0; i < this.streams; i++) {
      if (!this.plans[i].isResolved) continue;
      args ??= Array.from({ length: request.count }, (_, at) => request.view(at));
      args[first + i] = Buffer.from(this.plans[i].after.toString());
    }
    return args === null ? request : new Request().assign(args);
  }
}

const replyNullArray = (reply: Reply): void => reply.nullArray();

function unbalanced(isGroup: boolean): string {
  const [name, symbol] = isGroup ? ['xreadgroup', '>'] : ['xread', '$'];
  return `ERR Unbalanced '${name}' list of streams: for each stream key an ID or '${symbol}' must be specified.`;
}

function onlyOfGroups(word: string): string {
  return `ERR The ${word} option is only supported by XREADGROUP. You called XREAD instead.`;
}

/** The options of both, and the streams, as the docs show them. */
export const readCount = () => unparsed(option('COUNT', { count: integer() }));
export const readBlock = () => unparsed(option('BLOCK', { milliseconds: integer() }));
export const readStreams = () =>
  unparsed(option('STREAMS', { key: key('RO', 'access'), ID: bytes() }, { required: true }));

/** The first argument behind STREAMS, which may be the name of a group or consumer as well; 0 when there is none. */
function findStreams(request: Request): number {
  for (let at = 1; at < request.count; at++) {
    if (request.is(at, 'STREAMS')) return at + 1;
    if (request.is(at, 'GROUP')) at += 2;
    else if (request.is(at, 'COUNT') || request.is(at, 'BLOCK')) at++;
  }
  return 0;
}

/** Where the keys are: half of what follows STREAMS. */
export const streamKeys = (startFrom: number) =>
  [
    {
      access: 'RO',
      uses: ['access'],
      begin: { keyword: 'STREAMS', startFrom, locate: findStreams },
      find: { lastKey: -1, step: 1, limit: 2 },
    },
  ] as const;
