export { RedisDownstream, type RedisDownstreamOptions } from './redis-downstream.js';
export { RedisMigration } from './redis-migration.js';
