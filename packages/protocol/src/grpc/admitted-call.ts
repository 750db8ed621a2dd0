/**
 * What holds for calls before their handlers see them: who calls is let in by the call's metadata, before its message is
 * read, and messages have a bound.
 *
 *     metadata -> let in? -> no: status, and what still comes of a message is dropped
 *                         -> yes: message -> room? -> no: status
 *                                                  -> yes: handler, with its caller
 *
 * The library reads no call before its handler asks for a message, and drops what comes once a call has its status: of a
 * call that is refused no more is held than a window of HTTP/2.
 */
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { KvError } from '@holdfast/common';
import type { Caller } from '@holdfast/coord';
import { type AdmissionContext, admit } from './admission.js';
import { callStatus } from './errors.js';
import { MessageDecoder } from './message-decoder.js';
import type { RequestRoom } from './request-room.js';

type Listener = Parameters<ServerInterceptingCallInterface['start']>[0];
type Status = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** What a handler of a call with one request gets as its request. */
export interface Admitted<Q> {
  readonly caller: Caller;
  readonly request: Q;
}

export interface AdmittedCallsOptions {
  readonly context: AdmissionContext;
  /** Its calls need credentials; those of other services may be made by anybody. */
  readonly serviceName: string;
  readonly room: RequestRoom;
}

export class AdmittedCalls {
  readonly #context: AdmissionContext;
  readonly #prefix: string;
  readonly #room: RequestRoom;
  /** Of streams, by what interceptors and handlers both have of a call. */
  readonly #decoders = new WeakMap<Metadata, MessageDecoder>();

  constructor({ context, serviceName, room }: AdmittedCallsOptions) {
    this.#context = context;
    this.#prefix = `/${serviceName}/`;
    this.#room = room;
  }

  readonly interceptor: ServerInterceptor = ({ path, requestStream }, call) => {
    if (!path.startsWith(this.#prefix)) return new BoundedCall(call, new MessageDecoder(null));
    const decoder = new MessageDecoder(this.#room);
    if (requestStream) return new StreamCall(call, decoder, this.#decoders);
    return new AdmittedCall(call, decoder, this.#context);
  };

  /** The next message of the stream that has these metadata was executed. */
  executed(metadata: Metadata): void {
    this.#decoders.get(metadata)?.free();
  }
}

/** A call whose messages have a bound. What the library has for interceptors makes a dozen closures of each call. */
class BoundedCall extends ServerInterceptingCall implements Listener {
  protected readonly call: ServerInterceptingCallInterface;
  protected readonly decoder: MessageDecoder;
  /** The handler's. */
  protected listener!: Listener;

  constructor(call: ServerInterceptingCallInterface, decoder: MessageDecoder) {
    super(call);
    this.call = call;
    this.decoder = decoder;
    // The library has no door for that; the specs see that it still takes messages by what is here.
    (call as unknown as { decoder: { write(data: Buffer): readonly Buffer[] } }).decoder = this;
  }

  /** The messages that are complete with these bytes. What it throws ends the call, without a reason. */
  write(data: Buffer): readonly Buffer[] {
    return this.decoder.write(data);
  }

  override start(listener: Listener): void {
    this.listener = listener;
    this.call.start(this);
  }

  override sendMetadata(metadata: Metadata): void {
    this.call.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, sent: () => void): void {
    this.call.sendMessage(message, sent);
  }

  override sendStatus(status: Status): void {
    this.call.sendStatus(status);
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.listener.onReceiveMetadata(metadata);
  }

  onReceiveMessage(message: unknown): void {
    this.listener.onReceiveMessage(message);
  }

  onReceiveHalfClose(): void {
    this.listener.onReceiveHalfClose();
  }

  /** However it ends: also when it is answered. */
  onCancel(): void {
    this.decoder.end();
    this.listener.onCancel();
  }
}

/**
 * A stream opens sessions itself, the first one before it reads. Without room for a message it ends without a reason:
 * commands that were sent before may have been executed, and a client is not to take LIMIT for their answer.
 */
class StreamCall extends BoundedCall {
  readonly #decoders: WeakMap<Metadata, MessageDecoder>;

  constructor(
    call: ServerInterceptingCallInterface,
    decoder: MessageDecoder,
    decoders: WeakMap<Metadata, MessageDecoder>,
  ) {
    super(call, decoder);
    this.#decoders = decoders;
  }

  override onReceiveMetadata(metadata: Metadata): void {
    this.#decoders.set(metadata, this.decoder);
    super.onReceiveMetadata(metadata);
  }
}

class AdmittedCall extends BoundedCall {
  readonly #context: AdmissionContext;
  #caller: Caller | null = null;

  constructor(call: ServerInterceptingCallInterface, decoder: MessageDecoder, context: AdmissionContext) {
    super(call, decoder);
    this.#context = context;
  }

  override write(data: Buffer): readonly Buffer[] {
    try {
      return super.write(data);
    } catch (error) {
      this.#refuse(error);
      return [];
    }
  }

  override onReceiveMetadata(metadata: Metadata): void {
    try {
      this.#caller = admit(this.#context, metadata, this.call.getPeer());
    } catch (error) {
      this.#refuse(error);
      return;
    }
    super.onReceiveMetadata(metadata);
  }

  override onReceiveMessage(request: unknown): void {
    super.onReceiveMessage({ caller: this.#caller, request });
  }

  override onCancel(): void {
    this.#caller?.close();
    super.onCancel();
  }

  #refuse(error: unknown): void {
    if (!(error instanceof KvError)) throw error;
    this.call.sendStatus(callStatus(error));
  }
}
