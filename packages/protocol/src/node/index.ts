export type { ForwardCall } from './connection.js';
export { NodeExporter, type NodeExporterOptions, type NodeReplicas } from './exporter.js';
