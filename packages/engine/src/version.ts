/** The version of Redis whose behaviour this is, as HELLO and INFO report it: clients choose features by it. */
export const redisVersion = '7.2.4';
