/**
 * Every limit of the data model, named once. Limits that an operator may change (query buffer,
 * clients, ...) are configuration and start from the defaults of the layer that enforces them.
 */

/** Longest string value, bulk argument or collection element, in bytes: 512 MiB, as in Redis. */
export const valueBytesMax = 512 * 1024 * 1024;

/** Longest key, hash field, set member or sorted-set member, in bytes: 1 MiB - 1. */
export const keyBytesMax = 0xfffff;

/**
 * Longest argument that is read as a text, in bytes: names, numbers, options, patterns, libraries of functions. Values never
 * are. The runtime's strings hold 512 MiB, which a message made of two of them, or a client's own words in quotes, must not reach.
 */
export const textBytesMax: number = 16 * 1024 * 1024;

/** Longest name or address of a server to connect to, in bytes: what the system's resolver takes (NI_MAXHOST). */
export const hostBytesMax = 1025;

/** Errors repeat no more of an argument than this, in bytes. */
export const quotedBytesMax = 4096;

/** Logical databases of one server. */
export const databasesMax = 16;

/** Slots of the key space that a cluster distributes. */
export const hashSlotCount = 16384;

/** Keys of one read of many; comparisons and commands of one transaction of the typed API. */
export const batchKeysMax = 1000;
