export { BufferPool } from '../resp/buffer-pool.js';
export { malformed, needMore, RequestDecoder } from '../resp/decoder.js';
export { RespReply } from '../resp/reply.js';
export { encodeRequest, type RespArgument } from './encode-request.js';
export { ReplyReader, renderReply, type WireReply } from './reply-reader.js';
