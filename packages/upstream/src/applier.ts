/** Runs what comes from upstream, in its order, as a client that may do everything. */
import {
  ErrorReply,
  KvError,
  pause,
  type ReplyValue,
  Request,
  type Timers,
  ValueReply,
} from '@holdfast/common';
import { type Coordinator, type LocalCoordinator, outcomes, type Turns } from '@holdfast/coord';
import type { Session, SessionSink } from '@holdfast/engine';

/** How often is looked whether the disk takes writes again, in ms. */
const refusalLookMs = 100;

/** One that says why it takes no writes. */
export type RefusingCoordinator = Coordinator & Pick<LocalCoordinator, 'refusal'>;

export interface ApplierOptions {
  readonly coordinator: RefusingCoordinator;
  readonly turns: Turns;
  readonly timers: Timers;
  /** Of whom is followed. */
  readonly address: string;
  /** Is told why nothing is taken for now. */
  readonly onRefusal: (refusal: string) => void;
}

export class Applier implements SessionSink {
  readonly session: Session;
  readonly reply = new ValueReply(3);
  readonly outputBytes = 0;
  readonly inputBytes = 0;
  readonly #coordinator: RefusingCoordinator;
  readonly #turns: Turns;
  readonly #timers: Timers;
  readonly #onRefusal: (refusal: string) => void;
  readonly #request = new Request();
  #resolve: (() => void) | null = null;
  #isClosed = false;

  constructor({ address, coordinator, onRefusal, timers, turns }: ApplierOptions) {
    this.#coordinator = coordinator;
    this.#turns = turns;
    this.#timers = timers;
    this.#onRefusal = onRefusal;
    const options = { protocol: 'replication', address, localAddress: '', isForwarded: true };
    // Those that are forwarded are not limited in number.
    this.session = coordinator.open(this, options)!;
    this.session.dialect = 3;
  }

  /** The number of the database on which what follows works. */
  async select(database: number): Promise<void> {
    if (this.session.database !== database) await this.run('SELECT', String(database));
  }

  /** What the link broke in the middle of, and is not to be gone on with, never was. */
  async abandon(): Promise<void> {
    if (this.session.transaction !== null) await this.run('DISCARD');
  }

  /** Runs a command. Throws as `apply`. */
  async run(...args: (string | Uint8Array)[]): Promise<void> {
    const waits = this.apply(this.#request.assign(args));
    if (waits !== null) await waits;
  }

  /**
   * Runs a request; null when it is done, which is not yet to be committed. Throws, or rejects with, KvError INVALID
   * when it is answered by an error, or is an EXEC of which a part is. While the disk takes no writes it waits: what comes
   * from upstream was done there, so there is nobody to refuse it to.
   */
  apply(request: Request): Promise<void> | null {
    this.#checkOpen();
    if (this.#coordinator.refusal !== null) return this.#applyLater(request);
    this.#turns.begin();
    const name = request.count > 0 ? request.byteString(0) : '';
    const outcome = this.#coordinator.coordinate(this.session, request, this.reply);
    if (outcome !== outcomes.pending) {
      this.#check(name);
      return null;
    }
    return new Promise<void>((resolve) => {
      this.#resolve = resolve;
    }).then(() => this.#check(name));
  }

  async #applyLater(request: Request): Promise<void> {
    this.#onRefusal(this.#coordinator.refusal!);
    while (this.#coordinator.refusal !== null) {
      await pause(this.#timers, refusalLookMs);
      this.#checkOpen();
    }
    await this.apply(request);
  }

  end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#coordinator.close(this.session);
    this.#resolve?.();
  }

  // SessionSink

  wake(): void {}

  resume(): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.();
  }

  close(): void {
    this.end();
  }

  #check(name: string): void {
    this.#checkOpen();
    const error = errorIn(this.reply.take(), name.toUpperCase() === 'EXEC');
    if (error !== null) throw new KvError('INVALID', `${name} is not taken here: ${error.message}`);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new KvError('CLOSED', 'nobody is followed any more');
  }
}

/** An error, or the first of those in the replies of a transaction. */
function errorIn(value: ReplyValue | undefined, isTransaction: boolean): ErrorReply | null {
  if (value instanceof ErrorReply) return value;
  if (!isTransaction || !Array.isArray(value)) return null;
  return value.find((each) => each instanceof ErrorReply) ?? null;
}
