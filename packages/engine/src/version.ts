/**
 * The version of Redis that this server says it is, as HELLO and INFO report it: clients choose features by it.
 * The behaviour is that of 7.2. For what was written against 7.0, and looks at how values are kept, the parameter
 * `redis-version` turns back what 7.2 made visible there: small lists and sets that are listpacks; and habits of its
 * protocol that clients and replicas wait for.
 */
export interface RedisVersion {
  readonly text: string;
  /** One byte for each part, as scripts get it. */
  readonly number: number;
  /** Names of encodings that were others then. */
  readonly encodingOf: (type: 'list' | 'set', encoding: string) => string;
  /** For clients that track, a script that reads anything has read all keys that it declares. */
  readonly scriptsReadDeclared: boolean;
  /** Replicas are told the database of a transaction before it begins. */
  readonly selectsFirst: boolean;
  /** A key that has expired is removed when it comes to one who waits for it, not when a command looks for it. */
  readonly removesForWaiters: boolean;
}

export const redisVersions: Readonly<Record<string, RedisVersion>> = {
  '7.2': {
    text: '7.2.4',
    number: 0x070204,
    encodingOf: (_type, encoding) => encoding,
    scriptsReadDeclared: false,
    selectsFirst: false,
    removesForWaiters: false,
  },
  '7.0': {
    text: '7.0.15',
    number: 0x07000f,
    encodingOf(type, encoding) {
      if (encoding !== 'listpack') return encoding;
      return type === 'list' ? 'quicklist' : 'hashtable';
    },
    scriptsReadDeclared: true,
    selectsFirst: true,
    removesForWaiters: true,
  },
};
