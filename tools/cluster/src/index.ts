export { DevCluster, type MemberState } from './dev-cluster.js';
