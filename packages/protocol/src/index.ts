export {
  AdminExporter,
  type AdminExporterOptions,
  type Administration,
  type Consistency,
  type ProcessStatus,
  replicaRoles,
  replicaStatusOf,
} from './admin/index.js';
export { GrpcExporter, type GrpcExporterOptions } from './grpc/index.js';
export { type ForwardCall, NodeExporter, type NodeExporterOptions, type NodeReplicas } from './node/index.js';
export {
  malformed,
  needMore,
  RedisExporter,
  type RedisExporterOptions,
  RequestDecoder,
} from './resp/index.js';
export type { Settings } from './settings.js';
