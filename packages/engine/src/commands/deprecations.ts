/** What COMMAND DOCS says of commands that Redis wants nobody to use any more, and of those that are not for clients. */
export const deprecations: Readonly<Record<string, { readonly since: string; readonly instead: string }>> = {
  brpoplpush: { since: '6.2.0', instead: '`BLMOVE` with the `RIGHT` and `LEFT` arguments' },
  'cluster|slots': { since: '7.0.0', instead: '`CLUSTER SHARDS`' },
  georadius: { since: '6.2.0', instead: '`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument' },
  georadius_ro: { since: '6.2.0', instead: '`GEOSEARCH` with the `BYRADIUS` argument' },
  georadiusbymember: {
    since: '6.2.0',
    instead: '`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments',
  },
  georadiusbymember_ro: {
    since: '6.2.0',
    instead: '`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments',
  },
  getset: { since: '6.2.0', instead: '`SET` with the `!GET` argument' },
  hmset: { since: '4.0.0', instead: '`HSET` with multiple field-value pairs' },
  psetex: { since: '2.6.12', instead: '`SET` with the `PX` argument' },
  quit: { since: '7.2.0', instead: 'just closing the connection' },
  rpoplpush: { since: '6.2.0', instead: '`LMOVE` with the `RIGHT` and `LEFT` arguments' },
  setex: { since: '2.6.12', instead: '`SET` with the `EX` argument' },
  setnx: { since: '2.6.12', instead: '`SET` with the `NX` argument' },
  slaveof: { since: '5.0.0', instead: '`REPLICAOF`' },
  substr: { since: '2.0.0', instead: '`GETRANGE`' },
  zrangebylex: { since: '6.2.0', instead: '`ZRANGE` with the `BYLEX` argument' },
  zrangebyscore: { since: '6.2.0', instead: '`ZRANGE` with the `BYSCORE` argument' },
  zrevrange: { since: '6.2.0', instead: '`ZRANGE` with the `REV` argument' },
  zrevrangebylex: { since: '6.2.0', instead: '`ZRANGE` with the `REV` and `BYLEX` arguments' },
  zrevrangebyscore: { since: '6.2.0', instead: '`ZRANGE` with the `REV` and `BYSCORE` arguments' },
};

export const systemCommands: ReadonlySet<string> = new Set([
  'debug',
  'pfdebug',
  'pfselftest',
  'replconf',
  'restore-asking',
]);
