/**
 * One stream to one node: runs of all sessions go out in as few messages as possible, replies find their runs by id.
 *
 *     begin, append -> message --end of turn--> written -> answered
 *                                                  | the stream broke
 *                             sent again <- reads -+- writes -> UNDETERMINED
 *
 * It is up from the node's first message on. Streams come and go: `NodeLink`.
 */
// @hot-path
import { type Env, KvError, type Request } from '@holdfast/common';
import { node, requestTags } from '@holdfast/rpc';
import { Frames } from './frames.js';
import type { Lane } from './lane.js';
import { sessionNumbers } from './limits.js';
import { Message } from './message.js';
import { type NodeConnector, NodeLink } from './node-link.js';
import { found, ReplyDecoder } from './reply-decoder.js';
import type { Run } from './run.js';
import { RunsOnTheWay } from './runs-on-the-way.js';

export interface NodeChannelOptions {
  readonly node: string;
  readonly env: Env;
  readonly connector: NodeConnector;
  /** What the node says of who leads. */
  readonly onLead: (lead: node.Lead) => void;
  /** It came up, went down, or its node is about to end. */
  readonly onState: (channel: NodeChannel) => void;
}

export class NodeChannel {
  readonly node: string;
  isUp = false;
  /** The node is about to end: nothing new goes there. */
  isLeaving = false;
  readonly #options: NodeChannelOptions;
  readonly #env: Env;
  readonly #link: NodeLink;
  /** Being filled. */
  #message: Message;
  /** Complete, and not written yet. */
  #ready: Message[] = [];
  readonly #pool: Message[] = [];
  #isScheduled = false;
  readonly #replies = new ReplyDecoder();
  readonly #runs = new RunsOnTheWay();
  /** By their numbers, of which none is used twice: what the node still sends to a session that ended finds nobody. */
  #lanes = new Map<number, Lane>();
  #nextNumber = 0;
  readonly #flush = (): void => this.#endTurn();

  constructor(options: NodeChannelOptions) {
    this.node = options.node;
    this.#options = options;
    this.#env = options.env;
    this.#message = new Message(this.#pool);
    this.#link = new NodeLink({
      env: options.env,
      connector: options.connector,
      onOpen: () => {
        this.isLeaving = false;
      },
      onMessage: (message) => this.#receive(message),
      onWritable: () => this.#write(),
      onBroken: () => this.#broken(),
    });
    this.#link.start();
  }

  /** Runs on their way. */
  get runCount(): number {
    return this.#runs.count;
  }

  // Sending

  /** Begins a run; its first request follows by `append`. */
  begin(run: Run, lane: Lane, bytes: number): void {
    if (!this.#message.isEmpty && this.#message.wouldOverflow(bytes)) this.#seal();
    this.#runs.add(run);
    if (run.isLasting) run.sentAt(this.#env.clock.monotonic());
    lane.sent(run);
    this.#message.begin(run, lane);
    if (!this.#isScheduled) this.#schedule();
  }

  /** The run that was begun last, while further requests may be added to it; null otherwise. */
  get openRun(): Run | null {
    return this.#message.open;
  }

  /** Adds a request to the run that was begun last. */
  append(run: Run, request: Request, kind: number): void {
    const message = this.#message;
    message.append(request, kind);
    run.count++;
    if (message.isFull) this.#seal();
  }

  /** A run of one request that may wait for long: what is sent with it is not kept so long. */
  appendLasting(run: Run, request: Request, kind: number): void {
    this.#message.append(request, kind);
    this.#message.close();
    const frames = new Frames(64, 1);
    frames.append(request, kind);
    run.holdOwn(frames);
    run.count++;
  }

  /** Sends a run whose requests lie in frames of its own. */
  resend(run: Run, lane: Lane): void {
    const frames = run.frames!;
    this.begin(run, lane, frames.length);
    const message = this.#message;
    for (let i = 0; i < frames.count; i++) message.appendFrom(frames, i, i === 0 ? 0 : frames.ends[i - 1]);
    message.close();
    if (message.isFull) this.#seal();
  }

  /** The next run of this turn, of any session, is another one. */
  closeRun(): void {
    this.#message.close();
  }

  openLane(lane: Lane): void {
    lane.number = this.#newNumber();
    lane.channel = this;
    lane.isOpened = false;
    lane.isPaused = false;
    this.#lanes.set(lane.number, lane);
  }

  /**
   * Ends a lane's session at the node, if it was opened, before what is sent after it is run. Runs that are on the way are
   * still answered.
   */
  closeLane(lane: Lane): void {
    const { number } = lane;
    if (this.#lanes.get(number) !== lane) return;
    this.#lanes.delete(number);
    lane.number = -1;
    if (lane.isOpened) this.#tellOf(number, requestTags.closed);
  }

  /** The node is to wait with what the lane's session is asked, or to go on; false when there is no such session. */
  pauseLane(lane: Lane, isPaused: boolean): boolean {
    if (this.#lanes.get(lane.number) !== lane || !lane.isOpened) return false;
    this.#tellOf(lane.number, isPaused ? requestTags.paused : requestTags.resumed);
    return true;
  }

  #tellOf(session: number, tag: number): void {
    this.#message.number(tag, session);
    if (this.#message.isFull) this.#seal();
    else this.#schedule();
  }

  /** The lane's command is to wait for keys no longer; false when it waits nowhere. */
  unblock(lane: Lane, withError: boolean): boolean {
    if (lane.channel !== this || !lane.isOpened) return false;
    this.#message.part(
      requestTags.unblocked,
      node.Unblock.encode({ session: lane.number, withError }).finish(),
    );
    this.#schedule();
    return true;
  }

  /** For so many clients the lane's session listens to a name. */
  setAudience(lane: Lane, kind: node.Audience_Kind, name: Buffer, clients: number): void {
    if (lane.channel !== this || !lane.isOpened) return;
    this.#message.part(
      requestTags.audiences,
      node.Audience.encode({ session: lane.number, kind, name, clients }).finish(),
    );
    this.#schedule();
  }

  close(): void {
    this.#link.close();
  }

  /** Writes what has gathered. */
  #endTurn(): void {
    this.#isScheduled = false;
    if (!this.#message.isEmpty) this.#seal();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#env.timers.setImmediate(this.#flush);
  }

  #newNumber(): number {
    while (this.#lanes.has(this.#nextNumber)) this.#nextNumber = (this.#nextNumber + 1) % sessionNumbers;
    const number = this.#nextNumber;
    this.#nextNumber = (number + 1) % sessionNumbers;
    return number;
  }

  /** The message is complete. */
  #seal(): void {
    const message = this.#message;
    message.seal();
    this.#ready.push(message);
    this.#message = this.#pool.pop() ?? new Message(this.#pool);
    this.#write();
  }

  #write(): void {
    const link = this.#link;
    while (this.#ready.length > 0 && link.isWritable) {
      const message = this.#ready.shift()!;
      link.write(message.bytes.subarray(0, message.length), () => message.written());
    }
  }

  // Receiving

  #receive(message: Buffer): void {
    try {
      this.#read(message);
      if (this.isLeaving && this.runCount === 0) this.#link.finish();
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.#link.abort();
    }
  }

  #read(message: Buffer): void {
    const replies = this.#replies;
    replies.open(message);
    for (let what = replies.next(); what !== found.end; what = replies.next()) {
      if (what === found.reply) this.#reply();
      else if (what === found.push) this.#push();
      else if (what === found.lead) this.#options.onLead(replies.lead);
      else this.#setLeaving();
    }
    if (!this.isUp) {
      this.isUp = true;
      this.#options.onState(this);
    }
  }

  /** What was sent is still answered, or comes back; then the stream ends, so that the node need not cut it. */
  #setLeaving(): void {
    this.isLeaving = true;
    this.#options.onState(this);
  }

  #push(): void {
    const { bytes, length, session, start } = this.#replies;
    const lane = this.#lanes.get(session);
    if (lane !== undefined) lane.user.pushed(lane, bytes, start, length);
  }

  #reply(): void {
    const { bytes, count, id, isRefused, length, start, undetermined: unknown, version } = this.#replies;
    const runs = this.#runs;
    const run = runs.find(id, count + unknown);
    if (count > 0) {
      run.answered += count;
      run.owner.answered(run, count, bytes, start, length, version);
    }
    const rest = unknown > 0 ? runs.settleUnknown(run, unknown) : run;
    if (rest === null) return;
    if (rest.isComplete) runs.over(rest);
    else if (isRefused) runs.cameBack(rest);
  }

  #broken(): void {
    const wasUp = this.isUp;
    this.isUp = false;
    this.#ready.push(this.#message);
    const unsent = new Set(this.#ready);
    this.#message = new Message(this.#pool);
    this.#ready = [];
    const lanes = this.#lanes;
    this.#lanes = new Map();
    if (wasUp) this.#options.onState(this);
    this.#runs.loseAll((run) => run.isHeldIn(unsent));
    for (const lane of lanes.values()) {
      lane.number = -1;
      lane.drain();
    }
  }
}
