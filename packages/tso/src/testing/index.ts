export { brokenOracleServices } from './broken-oracle-services.js';
export { brokenOracleStores } from './broken-oracles.js';
export { type OracleCase, type OracleStore, oracleConformance } from './oracle-conformance.js';
export {
  type OracleService,
  type OracleServiceCase,
  oracleServiceConformance,
} from './oracle-service-conformance.js';
