/** Where to listen: one address or several, in the words of Redis' `bind`. */

export interface Host {
  readonly name: string;
  /** It is no error when this machine does not have the address. */
  readonly isOptional: boolean;
}

/** `127.0.0.1 -::1`: a minus marks what may be missing; `*` and `::*` are all addresses of a kind. */
export function parseHosts(text: string): Host[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const isOptional = word.startsWith('-');
      return { name: wildcards[isOptional ? word.slice(1) : word] ?? word.replace(/^-/, ''), isOptional };
    });
}

const wildcards: Readonly<Record<string, string>> = { '*': '0.0.0.0', '::*': '::' };

/**
 * Listens on every host, all on the port that the first one got. Resolves with the first address that is
 * listened to. Throws what `listen` throws for a host that must be had, or for all of them.
 */
export async function listenOn(
  hosts: readonly Host[],
  port: number,
  listen: (port: number, host: string) => Promise<number>,
): Promise<{ host: string; port: number }> {
  let first: { host: string; port: number } | null = null;
  let failure: unknown;
  for (const { name, isOptional } of hosts) {
    try {
      const bound = await listen(first?.port ?? port, name);
      first ??= { host: name, port: bound };
    } catch (error) {
      if (!isOptional) throw error;
      failure = error;
    }
  }
  if (first === null) throw failure;
  return first;
}

export function addressText({ host, port }: { host: string; port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
