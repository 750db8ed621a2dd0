/** What random requests are made of: the commands that both servers know and answer predictably, and values of DUMP. */
import { LocalServer } from '@holdfast/coord/testing';
import type { Command } from '@holdfast/engine';
import { preparation } from './argument-values.js';
import type { ServerPair } from './server-pair.js';

/** Types and their like; the rest is about connections and the process, and is tested by itself. */
const groups =
  /^(string|bitmap|hyperloglog|generic|hash|list|set|sorted-set|geo|stream|transactions|pubsub|server|connection)$/;
/** Of those: what waits, listens, ends, depends on the clock, or whose bytes are a server's own. */
const excluded =
  /^(select|(p|s)?(un)?subscribe|multi|exec|discard|time|lolwut|info|command.*|config.*|debug.*|memory.*|slowlog.*|latency.*|role|replicaof|slaveof|p?sync|replconf|migrate|save|bgsave|bgrewriteaof|lastsave|shutdown|monitor|module.*|acl.*|quit|reset|auth|hello|client.*|wait|waitaof|restore-asking|pfselftest|pfdebug|kv\..*|.*\|help|object\|freq)$/;

export async function comparableCommands(pair: ServerPair): Promise<Command[]> {
  const all = new LocalServer().kv.registry.commands.flatMap((command) =>
    command.subcommands.size > 0 ? [...command.subcommands.values()] : [command],
  );
  const own = all.filter(({ group, fullName }) => groups.test(group) && !excluded.test(fullName));
  const [[known]] = await pair.ask([['COMMAND', 'INFO', ...own.map(({ fullName }) => fullName)]]);
  return own.filter((_command, i) => known.items?.[i].items != null);
}

/** What DUMP of the reference gives for the keys that there are at first. */
export async function payloadsOf(pair: ServerPair): Promise<string[]> {
  await pair.ask([['FLUSHALL'], ...preparation]);
  const keys = [...new Set(preparation.filter(([name]) => name !== 'XGROUP').map(([, key]) => key))];
  const [theirs] = await pair.ask(keys.map((key) => ['DUMP', key]));
  return theirs.map(({ text }) => text!);
}
