export * from './embedded.js';
export type { ConnectOptions } from './grpc-connection.js';
export { connect } from './grpc-store.js';
