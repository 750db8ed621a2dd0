/** Names that CLIENT SETNAME, SETINFO and HELLO take: printable, without spaces. */
export function isClientName(name: string): boolean {
  return /^[!-~]*$/.test(name);
}

export const badClientName = 'ERR Client names cannot contain spaces, newlines or special characters.';
