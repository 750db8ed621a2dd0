export { type HighWaterMark, MemoryHighWaterMark } from './high-water-mark.js';
export { LeaderOracle, type LeaderOracleOptions } from './leader-oracle.js';
export { holdMsDefault, requestCountMax } from './limits.js';
export { LocalOracle, type LocalOracleOptions } from './local-oracle.js';
export type { MarkRecord, MarkState, MarkStore } from './mark-store.js';
export { type Oracle, oracleEpochMs, timestampsPerMs } from './oracle.js';
