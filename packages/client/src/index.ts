export * from './embedded.js';
export { type ConnectOptions, connect } from './grpc-store.js';
