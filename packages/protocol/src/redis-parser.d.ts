/** What the tests use of `redis-parser`, which comes without types. */
declare module 'redis-parser' {
  export interface ParserOptions {
    returnReply(reply: unknown): void;
    returnError(error: Error): void;
    returnFatalError?(error: Error): void;
    returnBuffers?: boolean;
    stringNumbers?: boolean;
  }

  export default class RedisParser {
    constructor(options: ParserOptions);
    execute(bytes: Buffer): void;
  }
}
