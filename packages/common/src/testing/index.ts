export { endWithUs } from './end-with-us.js';
export { type EnvCase, type EnvHarness, envConformance } from './env-conformance.js';
export { freePorts } from './free-ports.js';
export {
  type ReplyCase,
  type ReplyMedium,
  type ReplyShape,
  replyConformance,
  showAsValue,
  showInResp2,
} from './reply-conformance.js';
export { type RequestCase, type RequestSource, requestConformance } from './request-conformance.js';
export { SeededRandom, SimulatedEnv } from './simulated-env.js';
export { shapeOf, valueMedium } from './value-medium.js';
