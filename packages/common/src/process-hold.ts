/**
 * Keeps the process alive, or lets it end. While a channel connects, and in the pause before it does so again, a
 * program that awaits a call would end without a word: neither a connecting channel nor the timers of Env hold it.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';

export class ProcessHold {
  #port: MessagePort | null = null;

  set(isHeld: boolean): void {
    if (isHeld === (this.#port !== null)) return;
    this.#port?.close();
    this.#port = null;
    if (!isHeld) return;
    // A port that nothing is sent to: a handle of the event loop that costs nothing.
    this.#port = new MessageChannel().port1;
    this.#port.ref();
  }
}
