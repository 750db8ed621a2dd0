/** Names of groups and consumers in mutations. */
import { byteStringOf } from '@holdfast/common';
import type { MutationReader, MutationWriter } from '../mutation.js';

/** Writes a byte string as a byte field. */
export function writeName(writer: MutationWriter, name: string): void {
  const bytes = Buffer.from(name, 'latin1');
  writer.field(bytes, 0, bytes.length);
}

/** The byte field that was read last, as a byte string. */
export function readName({ bytes, fieldStart, fieldLength }: MutationReader): string {
  return byteStringOf(bytes, fieldStart, fieldLength);
}
