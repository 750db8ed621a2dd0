export { type Oracle, oracleEpochMs, timestampsPerMs } from './oracle.js';
