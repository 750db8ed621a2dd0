export { type Addresses, Gateway } from './gateway.js';
export type { BackendEvents } from './local-backend.js';
export { readSettings, type Settings } from './settings.js';
