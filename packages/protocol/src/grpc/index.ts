export { GrpcExporter, type GrpcExporterOptions } from './exporter.js';
