/** Bytes that a library gathers before they become a Lua string. */
// @hot-path
import type { LuaMachine } from '../lua/machine.js';

const startBytes = 1024;
/** A larger buffer is given back after use. */
const keptBytesMax = 1024 * 1024;

export class Output {
  bytes = Buffer.allocUnsafeSlow(startBytes);
  length = 0;
  readonly #machine: LuaMachine;
  #L = 0;

  constructor(machine: LuaMachine) {
    this.#machine = machine;
  }

  /** Begins anew, for a function that was called in thread `L`. */
  begin(L: number): void {
    this.#L = L;
    this.length = 0;
    if (this.bytes.length > keptBytesMax) this.bytes = Buffer.allocUnsafeSlow(startBytes);
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** ASCII. */
  text(value: string): void {
    this.reserve(value.length);
    for (let i = 0; i < value.length; i++) this.bytes[this.length++] = value.charCodeAt(i);
  }

  /** Makes room for `more` bytes. Raises an error when the interpreter could not hold them anyway. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    if (needed > this.#machine.bytesMax) {
      this.#machine.pushByteString(this.#L, 'not enough memory');
      this.#machine.api.lua_error(this.#L);
    }
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  push(): void {
    this.#machine.pushBytes(this.#L, this.bytes, 0, this.length);
  }
}
