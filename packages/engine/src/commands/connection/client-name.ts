/** Names that CLIENT SETNAME, SETINFO and HELLO take: printable, without spaces. CLIENT LIST shows those of all clients. */
const nameLengthMax = 4096;

/** Why a client can't be called that, as an error; null when it can. `what` is called so. */
export function clientNameError(name: string, what = 'Client names'): string | null {
  if (name.length > nameLengthMax) return `ERR ${what} cannot be longer than ${nameLengthMax} bytes`;
  if (/^[!-~]*$/.test(name)) return null;
  return `ERR ${what} cannot contain spaces, newlines or special characters.`;
}
