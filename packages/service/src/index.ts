export { type EtcdSettings, etcdRules, etcdSettingsOf, openEtcd } from './etcd-settings.js';
export { type ProcessOptions, type RunningService, runProcess } from './process.js';
export { commonRules, readSettings, type SettingRule, type SettingRules, usage } from './settings.js';
export { type Readiness, StatusServer } from './status-server.js';
