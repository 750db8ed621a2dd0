/**
 * Files of RDB, as SAVE of Redis writes them:
 *
 *     | "REDIS" | version, 4 digits | part ... | 255 | CRC-64 of all before u64, 0 for none |
 *
 * A part is an opcode and what belongs to it, or a key: what announces its expiry, then its type, name and value.
 */

export const fileMagic = 'REDIS';

export const opcodes = {
  slots: 244,
  library: 245,
  earlyLibrary: 246,
  module: 247,
  idle: 248,
  frequency: 249,
  field: 250,
  sizes: 251,
  expiryMs: 252,
  expiry: 253,
  database: 254,
  end: 255,
} as const;

/** Values of modules. */
export const moduleTypes: ReadonlySet<number> = new Set([6, 7]);

/** The first version whose files end with a checksum. */
export const checksumSince = 5;
