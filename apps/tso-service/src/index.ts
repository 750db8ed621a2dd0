export { rules, type Settings, settingsOf } from './settings.js';
export { TsoService } from './tso-service.js';
