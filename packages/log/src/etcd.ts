/** The log of a cluster: whoever needs none loads no gRPC. */
export { EtcdLog, type EtcdLogOptions } from './etcd-log.js';
export { EtcdRegister } from './etcd-register.js';
