/**
 * Every limit of the data model, named once. Limits that an operator may change (query buffer,
 * clients, ...) are configuration and start from the defaults of the layer that enforces them.
 */

/** Longest string value, bulk argument or collection element, in bytes: 512 MiB, as in Redis. */
export const valueBytesMax = 512 * 1024 * 1024;

/** Longest key, hash field, set member or sorted-set member, in bytes: 1 MiB - 1. */
export const keyBytesMax = 0xfffff;

/** Most arguments of one command: 1,048,576 as in Redis (`unauthenticated` clients get less). */
export const argumentsMax = 1024 * 1024;

/** Logical databases of one server. */
export const databasesMax = 16;

/** Slots of the key space that a cluster distributes. */
export const hashSlotCount = 16384;
