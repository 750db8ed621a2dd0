export { type Addresses, Gateway, type GatewayEvents } from './gateway.js';
export { readSettings, type Settings, usage } from './settings.js';
