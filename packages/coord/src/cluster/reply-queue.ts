/**
 * The replies of one client in the order of its requests, whatever shards they come from.
 *
 *     head -> run to a: 3 of 5 answered -> run to b: answered, held -> answer of the gateway -> run to a -> tail
 *             passed on as they come       passed on once it is the head
 */
// @hot-path
import { errorLine, type Reply, utf8Of } from '@holdfast/common';
import { DiscardReply } from '../discard-reply.js';
import { HeldReply } from './held-reply.js';
import { sessionBytesMax, sessionOutputBytesMax, sessionRequestsMax, smallReplyBytes } from './limits.js';
import { Notice } from './notice.js';
import type { RoutedSession } from './routed-session.js';
import type { Run, RunOwner } from './run.js';
import { Slot } from './slot.js';

/** A reply that the gateway gives itself, in its turn. */
export class Answer extends Slot {
  readonly held: HeldReply;
  /** What is to be done in its turn, besides. */
  act: ((reply: Reply) => void) | null = null;
  /** Is called when the replies before it are written, if there were any. */
  whenFirst: (() => void) | null = null;
  /** What was written is complete. */
  isReady = false;
  /** The client does not want to hear it. */
  isQuiet = false;
  /** The connection ends behind it. */
  isLast = false;
  /** It may be made of replies of shards that have come already. */
  holdsReplies = true;
  /** Of what it says, or will say: so much is here and waits for its turn. */
  heldBytes = 0;
  /** It may never come: its command waits for others. */
  readonly isLasting: boolean;

  constructor(dialect: 2 | 3, isLasting: boolean) {
    super();
    this.isLasting = isLasting;
    this.held = new HeldReply(dialect);
  }
}

const discard = new DiscardReply();

/** What the client has to wait for before its next request is accepted. */
export const waits = { nothing: 0, room: 1, all: 2 } as const;

export class ReplyQueue implements RunOwner {
  /** One of `waits`. */
  waitsFor: number = waits.nothing;
  /** Requests that were sent and are not answered. */
  requests = 0;
  /** Of the requests that were sent since nothing was on its way. */
  bytes = 0;
  readonly #session: RoutedSession;
  #head: Slot | null = null;
  #tail: Slot | null = null;
  /** Replies of runs before their turn. */
  readonly #held = new Map<Run, Buffer[]>();
  /** Of them, of answers that are ready, and of what others are made of. */
  #heldBytes = 0;
  /** Answers that may be made of replies which have come. */
  #answers = 0;
  #isClosed = false;

  constructor(session: RoutedSession) {
    this.#session = session;
  }

  get isEmpty(): boolean {
    return this.#head === null;
  }

  /** What comes last: a run that is not complete yet may take further requests. */
  get tail(): Slot | null {
    return this.#tail;
  }

  /** Too much is on its way, or has come and waits for its turn. */
  get isFull(): boolean {
    return (
      this.requests >= sessionRequestsMax ||
      this.bytes >= sessionBytesMax ||
      this.#heldBytes >= sessionOutputBytesMax
    );
  }

  push(slot: Slot): void {
    if (this.#tail === null) this.#head = slot;
    else this.#tail.next = slot;
    this.#tail = slot;
  }

  /** An answer that stands for requests of so many bytes, which are asked of shards. */
  pushAnswer(answer: Answer, bytes: number): void {
    this.requests++;
    this.bytes += bytes;
    this.#answers++;
    this.push(answer);
  }

  /** Nothing that shards replied becomes part of this answer, which may be long in coming. */
  setOwn(answer: Answer): void {
    answer.holdsReplies = false;
    this.#answers--;
  }

  /**
   * Tells the client of keys that changed, null for all: at once, since what it keeps may be outdated, and again behind the
   * replies that came before and wait for their turn, as they may have the values from before. What is asked last and
   * lasts is not waited for.
   */
  notify(keys: readonly string[] | null): void {
    if (this.#isClosed) return;
    this.#session.tell(keys);
    if (this.#isClosed || (this.#answers === 0 && this.#held.size === 0)) return;
    const last = this.#lastHeld();
    if (last instanceof Notice) {
      last.add(keys);
      return;
    }
    const notice = new Notice(keys);
    notice.next = last.next;
    last.next = notice;
    if (this.#tail === last) this.#tail = notice;
  }

  /** For the parts of an answer: counts what came of them, and is not written before all have come. */
  counting(answer: Answer): (run: Run, bytes: number) => void {
    return (run, bytes) => {
      if (this.#isClosed) return;
      answer.heldBytes += bytes;
      this.#heldBytes += bytes;
      this.#pauseWhenMuchIsHeld(run);
    };
  }

  /** What an answer says is complete. */
  ready(answer: Answer): void {
    answer.isReady = true;
    if (this.#isClosed) return;
    if (this.#head !== answer) {
      const { bytes } = answer.held;
      this.#heldBytes += bytes - answer.heldBytes;
      answer.heldBytes = bytes;
      return;
    }
    this.#answer(answer);
    if (this.#isClosed) return;
    this.#advance();
    this.#passOn();
  }

  /** The client is gone. */
  close(): void {
    this.#isClosed = true;
    this.#head = null;
    this.#tail = null;
    this.#answers = 0;
    this.#held.clear();
    this.#heldBytes = 0;
  }

  // RunOwner

  answered(run: Run, count: number, bytes: Buffer, start: number, length: number, version: number): void {
    if (this.#isClosed) return;
    this.#settle(count);
    const session = this.#session;
    if (!run.isLasting) session.unanswered -= count;
    else session.waitEnded(isGivenUp(bytes, start));
    if (version !== 0) session.keyVersion = version;
    if (this.#head === run) {
      if (!run.isQuiet) session.sink.reply.raw(bytes, start, length);
      if (run.isComplete) this.#advance();
      if (length > smallReplyBytes) session.holdBack();
      this.#passOn();
    } else if (!run.isQuiet) {
      this.#hold(run, bytes.subarray(start, start + length));
    }
  }

  failed(run: Run, message: string): void {
    const line = utf8Of(`-${errorLine(message)}\r\n`);
    this.answered(run, 1, line, 0, line.length, 0);
  }

  split(run: Run, rest: Run): void {
    if (this.#isClosed) return;
    rest.next = run.next;
    run.next = rest;
    if (this.#tail === run) this.#tail = rest;
  }

  #hold(run: Run, bytes: Buffer): void {
    const held = this.#held.get(run);
    if (held === undefined) this.#held.set(run, [bytes]);
    else held.push(bytes);
    this.#heldBytes += bytes.length;
    this.#pauseWhenMuchIsHeld(run);
  }

  /** All before the run in its lane is answered: what the client waits for is not held up. */
  #pauseWhenMuchIsHeld(run: Run): void {
    if (this.#heldBytes > sessionOutputBytesMax) this.#session.pause(run.lane);
  }

  /** All of the head is written: so is what follows, as far as it has come. */
  #advance(): void {
    let slot = this.#head!.next;
    while (slot !== null && this.#write(slot)) slot = slot.next;
    this.#head = slot;
    if (slot === null) this.#tail = null;
  }

  /** Writes what there is of a slot whose turn has come; whether that is all of it. */
  #write(slot: Slot): boolean {
    if (slot instanceof Answer) {
      slot.whenFirst?.();
      if (slot.isReady) this.#answer(slot);
      return slot.isReady;
    }
    if (slot instanceof Notice) {
      this.#session.tell(slot.keys);
      return true;
    }
    const run = slot as Run;
    const held = this.#held.get(run);
    if (held !== undefined) {
      this.#held.delete(run);
      for (const bytes of held) {
        this.#heldBytes -= bytes.length;
        this.#session.sink.reply.raw(bytes, 0, bytes.length);
      }
      this.#session.holdBack();
      this.#session.goOn();
    }
    return run.isComplete;
  }

  /** So many requests are answered. */
  #settle(count: number): void {
    this.requests -= count;
    if (this.requests === 0) this.bytes = 0;
  }

  #answer({ act, held, heldBytes, holdsReplies, isLast, isLasting, isQuiet }: Answer): void {
    const session = this.#session;
    this.#heldBytes -= heldBytes;
    if (holdsReplies) this.#answers--;
    if (!isLasting) session.unanswered--;
    this.#settle(1);
    const target = isQuiet ? discard : session.sink.reply;
    target.dialect = held.dialect;
    held.replay(target);
    act?.(target);
    session.holdBack();
    if (heldBytes > 0) session.goOn();
    target.dialect = session.dialect;
    if (isLast) session.sink.close(true);
  }

  /** The last slot that may hold a reply: the last one, or the one before when that one lasts and has nothing yet. */
  #lastHeld(): Slot {
    const tail = this.#tail!;
    const isLasting = tail instanceof Answer ? !tail.holdsReplies : this.#lasts(tail);
    if (!isLasting) return tail;
    let slot = this.#head!;
    while (slot.next !== tail && slot.next !== null) slot = slot.next;
    return slot;
  }

  #lasts(slot: Slot): boolean {
    return !(slot instanceof Notice) && (slot as Run).isLasting && !this.#held.has(slot as Run);
  }

  /** Something was written: it is sent, and the client goes on if it waited for just that. */
  #passOn(): void {
    const session = this.#session;
    const { waitsFor } = this;
    const isOver =
      waitsFor === waits.all
        ? this.#head === null
        : waitsFor === waits.room && this.requests < sessionRequestsMax / 2 && !this.isFull;
    session.sink.wake();
    if (!isOver) return;
    this.waitsFor = waits.nothing;
    session.release();
  }
}

/**
 * Whether a reply says that a wait ended without what was waited for: it is null, or an error that says so; or a number, of a
 * wait for replicas, which may have ended either way.
 */
function isGivenUp(bytes: Buffer, start: number): boolean {
  const type = bytes[start];
  if (type === underscore || type === colon) return true;
  if (type === asterisk || type === dollar) return bytes[start + 1] === minus;
  return type === minus && bytes.toString('latin1', start + 1, start + 1 + unblocked.length) === unblocked;
}

const [asterisk, colon, dollar, minus, underscore] = [0x2a, 0x3a, 0x24, 0x2d, 0x5f];
const unblocked = 'UNBLOCKED';
