/**
 * The network as one life of a node has it: calls, messages and streams over typed channels.
 *
 * What a call that failed tells: KvError UNAVAILABLE, nobody got it; UNDETERMINED, somebody may have, or may still
 * get it. Errors that a handler throws as KvError arrive as they are. Any other error of a handler is a mistake of
 * the program, and fails the simulation.
 */
import { type ErrorCode, KvError, type Timer } from '@holdfast/common';
import type { CallChannel, MessageChannel, StreamChannel } from './channels.js';
import { copyMessage } from './copy-message.js';
import type { NodeLife } from './node-life.js';
import type { CrashKind } from './simulated-node.js';
import type { Simulation } from './simulation.js';
import { openStream, type Stream, type StreamEnd } from './stream.js';
import { payload } from './trace.js';

type CallHandler = (request: unknown, from: string) => unknown;
type MessageHandler = (message: unknown, from: string) => void;
type StreamHandler = (stream: Stream<unknown, unknown>, from: string) => void;

/** A call that this life made and that is not answered. */
interface PendingCall {
  resolve(response: unknown): void;
  reject(error: KvError): void;
  readonly timer: Timer;
}

/** A call that this life is answering. */
interface ServedCall {
  readonly id: number;
  readonly caller: NodeLife;
  readonly channel: string;
}

export class LifeNetwork {
  readonly #simulation: Simulation;
  readonly #life: NodeLife;
  readonly #callHandlers = new Map<string, CallHandler>();
  readonly #messageHandlers = new Map<string, MessageHandler>();
  readonly #streamHandlers = new Map<string, StreamHandler>();
  readonly #pending = new Map<number, PendingCall>();
  readonly #served = new Set<ServedCall>();
  readonly #streams = new Set<StreamEnd>();
  #lastCall = 0;

  /** @internal */
  constructor(simulation: Simulation, life: NodeLife) {
    this.#simulation = simulation;
    this.#life = life;
  }

  /** Answers calls. Until then, and after a crash, callers are refused. */
  serve<Request, Response>(
    channel: CallChannel<Request, Response>,
    handler: (request: Request, from: string) => Response | Promise<Response>,
  ): void {
    this.#callHandlers.set(channel.name, handler as CallHandler);
  }

  /** Calls a node by its name, this one too. The timeout is by the clock of this node. Throws when there is none. */
  call<Request, Response>(
    to: string,
    channel: CallChannel<Request, Response>,
    request: Request,
    options: { timeoutMs: number },
  ): Promise<Response> {
    const id = ++this.#lastCall;
    const copied = copyMessage(request);
    return new Promise<unknown>((resolve, reject) => {
      const timer = this.#life.env.timers.setTimeout(() => {
        const message = `${to} did not answer ${channel.name} within ${options.timeoutMs} ms`;
        this.#settle(id)?.reject(new KvError('UNDETERMINED', message));
      }, options.timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#send(to, channel, () => `${channel.name}(${payload(copied)})`, {
        deliver: (life) => {
          // Once more for each arrival: the one who got it first may have changed it.
          const arrived = channel.mayRepeat ? copyMessage(copied) : copied;
          life.network.#answer(channel.name, arrived, id, this.#life);
        },
        refuse: () => this.#failCall(id, to, 'UNAVAILABLE', 'the process is not there'),
      });
    }) as Promise<Response>;
  }

  onMessage<Message>(
    channel: MessageChannel<Message>,
    handler: (message: Message, from: string) => void,
  ): void {
    this.#messageHandlers.set(channel.name, handler as MessageHandler);
  }

  /** Sends a message and hopes. */
  send<Message>(to: string, channel: MessageChannel<Message>, message: Message): void {
    const copied = copyMessage(message);
    this.#send(to, { mayRepeat: true }, () => `${channel.name} ${payload(copied)}`, {
      deliver: (life) =>
        life.network.#messageHandlers.get(channel.name)?.(copyMessage(copied), this.#life.name),
    });
  }

  /** Takes connections. `handler` gets each when it arrives, and sets its handlers before it returns. */
  accept<Up, Down>(
    channel: StreamChannel<Up, Down>,
    handler: (stream: Stream<Down, Up>, from: string) => void,
  ): void {
    this.#streamHandlers.set(channel.name, handler as unknown as StreamHandler);
  }

  /** Opens a connection. What is sent before it is open waits; one that is refused closes. */
  connect<Up, Down>(to: string, channel: StreamChannel<Up, Down>): Stream<Up, Down> {
    return openStream(this.#simulation, this.#life, to, channel.name) as unknown as Stream<Up, Down>;
  }

  /** @internal The life has ended. */
  leave(kind: CrashKind): void {
    this.#pending.clear();
    if (kind === 'power') return;
    for (const { id, caller } of this.#served)
      caller.network.#failCall(id, this.#life.name, 'UNDETERMINED', 'the connection was lost');
    for (const stream of this.#streams) stream.abort();
  }

  /** @internal A stream that arrived; false when nobody takes it. */
  takeStream(channel: string, end: StreamEnd, from: string): boolean {
    const handler = this.#streamHandlers.get(channel);
    handler?.(end, from);
    return handler !== undefined;
  }

  /** @internal Streams of this life that are open. */
  get streams(): Set<StreamEnd> {
    return this.#streams;
  }

  #answer(channel: string, request: unknown, id: number, caller: NodeLife): void {
    const handler = this.#callHandlers.get(channel);
    if (handler === undefined) {
      caller.network.#failCall(id, this.#life.name, 'UNAVAILABLE', `it does not serve ${channel}`);
      return;
    }
    const served: ServedCall = { id, caller, channel };
    this.#served.add(served);
    const run = async (): Promise<unknown> => handler(request, caller.name);
    run().then(
      (response) => this.#respond(served, () => payload(response), copyMessage(response), null),
      (error) => {
        if (error instanceof KvError) this.#respond(served, () => error.message, undefined, error);
        else if (this.#life.isAlive) this.#simulation.fail(error);
      },
    );
  }

  #respond(served: ServedCall, describe: () => string, response: unknown, error: KvError | null): void {
    if (!this.#served.delete(served)) return;
    const { id, caller, channel } = served;
    this.#send(caller.name, {}, () => `${channel} = ${describe()}`, {
      deliver: (life) => {
        if (life !== caller) return;
        const pending = caller.network.#settle(id);
        if (error === null) pending?.resolve(response);
        else
          pending?.reject(
            new KvError(error.code, error.message, { reply: error.reply, version: error.version }),
          );
      },
    });
  }

  /** Tells a call of this life, over the network, that it failed at `by`. */
  #failCall(id: number, by: string, code: ErrorCode, reason: string): void {
    this.#simulation.network.send({
      from: by,
      to: this.#life.name,
      describe: () => `reset: ${reason}`,
      deliver: (life) => {
        if (life === this.#life) this.#settle(id)?.reject(new KvError(code, `${by}: ${reason}`));
      },
    });
  }

  #settle(id: number): PendingCall | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending !== undefined) this.#life.env.timers.clearTimeout(pending.timer);
    return pending;
  }

  #send(
    to: string,
    { mayRepeat = false }: { mayRepeat?: boolean },
    describe: () => string,
    hooks: { deliver: (life: NodeLife) => void; refuse?: () => void },
  ): void {
    // A life that has ended may still be running to its next await.
    if (!this.#life.isAlive) return;
    this.#simulation.node(to);
    this.#simulation.network.send({ from: this.#life.name, to, describe, mayRepeat, ...hooks });
  }
}
