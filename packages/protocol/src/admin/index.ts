export type { Administration, BackupPart, Consistency, ProcessStatus } from './administration.js';
export { AdminExporter, type AdminExporterOptions } from './exporter.js';
