export { type EtcdSettings, etcdRules, etcdSettingsOf, openEtcd } from './etcd-settings.js';
export { type PeerTls, peerTlsOf, peerTlsRules } from './peer-tls.js';
export {
  type ProcessOptions,
  type ProcessSettings,
  type RunningService,
  ruledSettings,
  runProcess,
  versionOf,
} from './process.js';
export { compileEarly } from './runtime.js';
export {
  commonRules,
  type MoreSettings,
  readSettings,
  readValues,
  type SettingRule,
  type SettingRules,
  settingOf,
  usage,
} from './settings.js';
export { type Readiness, StatusServer } from './status-server.js';
