/**
 * What nodes say to each other: names with types. A channel is declared once and used by both sides:
 *
 *     const append = callChannel<AppendRequest, AppendReply>('append');
 *     life.network.serve(append, (request) => log.append(request));             // on one node
 *     const reply = await life.network.call('log', append, request, { timeoutMs: 500 });   // on another
 */

/** A request and its response. Never arrives twice unless `mayRepeat`: gRPC does not repeat calls by itself. */
export interface CallChannel<Request, Response> {
  readonly kind: 'call';
  readonly name: string;
  readonly mayRepeat: boolean;
  /** Of the compiler only. */
  readonly types?: (request: Request) => Response;
}

/** A datagram: may be lost, overtaken or arrive twice. */
export interface MessageChannel<Message> {
  readonly kind: 'message';
  readonly name: string;
  readonly types?: (message: Message) => void;
}

/**
 * A connection: what is sent arrives once and in order, or the connection breaks. `Up` is what the side sends that
 * connects, `Down` what it receives.
 */
export interface StreamChannel<Up, Down> {
  readonly kind: 'stream';
  readonly name: string;
  readonly types?: (up: Up) => Down;
}

export function callChannel<Request, Response>(
  name: string,
  options: { mayRepeat?: boolean } = {},
): CallChannel<Request, Response> {
  return { kind: 'call', name, mayRepeat: options.mayRepeat ?? false };
}

export function messageChannel<Message>(name: string): MessageChannel<Message> {
  return { kind: 'message', name };
}

export function streamChannel<Up, Down>(name: string): StreamChannel<Up, Down> {
  return { kind: 'stream', name };
}
