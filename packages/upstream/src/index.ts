export { RedisUpstream, type RedisUpstreamOptions } from './redis-upstream.js';
