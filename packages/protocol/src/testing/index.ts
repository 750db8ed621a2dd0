export { encodeRequest, type RespArgument } from './encode-request.js';
export { ReplyReader, renderReply, type WireReply } from './reply-reader.js';
