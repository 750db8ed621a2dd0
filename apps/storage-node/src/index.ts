export { readSettings, type Settings } from './settings.js';
export { StorageNode } from './storage-node.js';
