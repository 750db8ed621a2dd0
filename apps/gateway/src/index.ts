export { type Addresses, Gateway } from './gateway.js';
export type { BackendEvents } from './local-backend.js';
export { readSettings, type Settings, usage } from './settings.js';
