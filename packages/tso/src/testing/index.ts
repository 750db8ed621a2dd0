export { brokenOracleStores } from './broken-oracles.js';
export { type OracleCase, type OracleStore, oracleConformance } from './oracle-conformance.js';
