export {
  AdminExporter,
  type AdminExporterOptions,
  type Administration,
  type Consistency,
  type ProcessStatus,
} from './admin/index.js';
export { GrpcExporter, type GrpcExporterOptions } from './grpc/index.js';
export { type ForwardCall, NodeExporter, type NodeExporterOptions, type NodeReplicas } from './node/index.js';
export { RedisExporter, type RedisExporterOptions } from './resp/index.js';
export type { Settings } from './settings.js';
