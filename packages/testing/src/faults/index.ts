export { type Direction, FaultProxy, type FaultProxyOptions } from './fault-proxy.js';
export type { LogLine, LogStream } from './log-lines.js';
export { type ProcessExit, type ProcessOptions, ProcessUnderTest } from './process-under-test.js';
export type { ProxyTarget, Side } from './proxied-connection.js';
export { SmallDisk } from './small-disk.js';
