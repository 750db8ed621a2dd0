export { Closing } from './closing.js';
export { type EtcdSettings, etcdRules, etcdSettingsOf, etcdTlsOf, openEtcd } from './etcd-settings.js';
export { reportTo } from './failures.js';
export {
  type ParameterChecks,
  parameterSettings,
  parametersOf,
  type RedisNames,
} from './parameter-settings.js';
export { type PeerTlsFiles, peerTlsOf, peerTlsRules } from './peer-tls.js';
export {
  type ProcessOptions,
  type ProcessSettings,
  type RunningService,
  ruledSettings,
  runProcess,
  versionOf,
} from './process.js';
export { quoted } from './quoted-value.js';
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
export { TlsFiles, watchTls } from './tls-files.js';
