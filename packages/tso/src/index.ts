export { type HighWaterMark, MemoryHighWaterMark } from './high-water-mark.js';
export { LocalOracle, type LocalOracleOptions } from './local-oracle.js';
export { type Oracle, oracleEpochMs, timestampsPerMs } from './oracle.js';
