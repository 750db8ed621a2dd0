/**
 * The payload of FUNCTION DUMP and FUNCTION RESTORE: the code of libraries, as RDB files have it.
 *
 *     | 245 | code, a string | 245 | code ... | version of the format u16 | CRC-64 of all before u64 |
 */
import { openPayload, sealPayload } from './dump-payload.js';
import { rdbVersions } from './rdb-types.js';
import { RdbWriter } from './rdb-writer.js';

/** What announces a library; the second as release candidates of Redis 7 wrote it. */
const opcodes = { library: 245, earlyLibrary: 246 } as const;

/** `codes` are byte strings. */
export function dumpLibraries(codes: Iterable<string>): Buffer {
  const writer = new RdbWriter();
  for (const code of codes) {
    const bytes = Buffer.from(code, 'latin1');
    writer.byte(opcodes.library);
    writer.string(bytes, 0, bytes.length);
  }
  return sealPayload(writer, rdbVersions.redis70);
}

/**
 * The codes in a payload that `isPayload` accepts, as byte strings; or why it holds something else. Throws KvError
 * CORRUPT when it is damaged all the same.
 */
export function readLibraries(payload: Buffer): string[] | string {
  const reader = openPayload(payload);
  const codes: string[] = [];
  while (reader.at < reader.end) {
    const opcode = reader.byte();
    if (opcode === opcodes.earlyLibrary) return 'Pre-GA function format not supported';
    if (opcode !== opcodes.library) return 'given type is not a function';
    codes.push(reader.ownString().toString('latin1'));
  }
  return codes;
}
