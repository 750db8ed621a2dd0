export type { Session, SessionSink } from '@holdfast/engine';
export { Committer, type CommitterOptions } from './committer.js';
export { type Coordinator, type Outcome, outcomes, type SessionOptions } from './coordinator.js';
export { DiscardReply } from './discard-reply.js';
export { LocalCoordinator, type LocalCoordinatorOptions } from './local-coordinator.js';
export { type LocalStack, type LocalStackOptions, openLocalStack } from './local-stack.js';
export { type Recovered, recover } from './recovery.js';
export { SnapshotFiles, type SnapshotName } from './snapshot-files.js';
export { Snapshotter, type SnapshotterOptions } from './snapshotter.js';
