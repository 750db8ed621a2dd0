export { DevCluster, type MemberState } from './dev-cluster.js';
export { allocatorTunables } from './member-process.js';
