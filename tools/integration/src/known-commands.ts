/** Which commands this build has. */
import { LocalServer } from '@holdfast/coord/testing';

const { registry } = new LocalServer().kv;

/** Names in any case, subcommands as `config|get`. */
export function hasCommands(...names: readonly string[]): boolean {
  return names.every((name) => registry.byName(name) !== undefined);
}

export function commandNames(): string[] {
  return registry.commands.map(({ name }) => name);
}
