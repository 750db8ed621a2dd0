export {
  byteStringOf,
  bytesEqual,
  bytesOf,
  compareBytes,
  copyBytes,
  digitCount,
  doubleOf,
  emptyBytes,
  formatDouble,
  formatShortest,
  parseBigInteger,
  parseDouble,
  parseInteger,
  writeInteger,
} from './bytes.js';
export { checksum } from './checksum.js';
export {
  type Clock,
  type Env,
  pause,
  type Random,
  randomBelow,
  systemEnv,
  type Timer,
  type Timers,
  TurnClock,
} from './env.js';
export { type ErrorCode, errorCodes, KvError, reasonOf } from './errors.js';
export { isEscaped, textOf, textOfByteString, utf8Of } from './escaped-text.js';
export { FailureReport, type FailureReportOptions } from './failure-report.js';
export type { Findings } from './findings.js';
export { crc16, hashSlotOf } from './hash-slot.js';
export type { LeaderHint, NodeAddresses } from './leader.js';
export {
  batchKeysMax,
  databasesMax,
  hashSlotCount,
  hostBytesMax,
  keyBytesMax,
  quotedBytesMax,
  textBytesMax,
  valueBytesMax,
} from './limits.js';
export { ProcessHold } from './process-hold.js';
export { endOfReply, replayReplies } from './raw-reply.js';
export { Recurring, type RecurringOptions } from './recurring.js';
export { errorLine, Reply, withoutLineEnds } from './reply.js';
export { Request } from './request.js';
export {
  DoubleReply,
  ErrorReply,
  MapReply,
  type ReplyValue,
  SetReply,
  StatusReply,
  ValueReply,
} from './value-reply.js';
export { quotedWord, splitWords } from './words.js';
