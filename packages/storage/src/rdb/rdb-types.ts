/** The numbers of the RDB format. */

/** The first byte of a value. Those after `streamV3` came with Redis 7.4: hashes whose fields expire. */
export const rdbTypes = {
  string: 0,
  list: 1,
  set: 2,
  zset: 3,
  hash: 4,
  zsetV2: 5,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  zsetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  stream: 15,
  hashListpack: 16,
  zsetListpack: 17,
  listQuicklistV2: 18,
  streamV2: 19,
  setListpack: 20,
  streamV3: 21,
  hashExpiring: 24,
  hashListpackExpiring: 25,
} as const;

/** The first byte of a string that is not just its length and its bytes. */
export const specialStrings = { int8: 0xc0, int16: 0xc1, int32: 0xc2, compressed: 0xc3 } as const;

/** What a node of a list holds: one element as it is, or a listpack. */
export const listContainers = { plain: 1, packed: 2 } as const;

/** The format of Redis 7.0, of 7.2, and of 7.4, the last one that is read. */
export const rdbVersions = { redis70: 10, redis72: 11, redis74: 12 } as const;
