/** What a protocol needs to know of a coordinator, whichever it is: loads nothing else. */
export type { ReadMode, Session, SessionSink } from '@holdfast/engine';
export {
  type Coordinator,
  type Credentials,
  type Fate,
  type Outcome,
  outcomes,
  revokedError,
  type SessionOptions,
} from './coordinator.js';
