export type { Session, SessionSink } from '@holdfast/engine';
export { Committer, type CommitterOptions } from './committer.js';
export { type Coordinator, type Outcome, outcomes, type SessionOptions } from './coordinator.js';
export { DiscardReply } from './discard-reply.js';
export { LocalCoordinator, type LocalCoordinatorOptions } from './local-coordinator.js';
