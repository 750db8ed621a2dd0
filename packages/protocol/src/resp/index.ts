export { malformed, needMore, RequestDecoder } from './decoder.js';
export { RedisExporter, type RedisExporterOptions } from './exporter.js';
