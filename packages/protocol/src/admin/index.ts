export type { Administration, Consistency, ProcessStatus } from './administration.js';
export { AdminExporter, type AdminExporterOptions } from './exporter.js';
export { replicaRoles, replicaStatusOf } from './replica-status.js';
