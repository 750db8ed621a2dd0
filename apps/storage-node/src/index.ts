export { rules, type Settings, settingsOf } from './settings.js';
export { StorageNode } from './storage-node.js';
