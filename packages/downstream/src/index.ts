export { RedisDownstream, type RedisDownstreamOptions } from './redis-downstream.js';
