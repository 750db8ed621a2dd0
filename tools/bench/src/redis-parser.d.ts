declare module 'redis-parser' {
  export default class Parser {
    constructor(options: {
      returnReply(reply: unknown): void;
      returnError(error: Error): void;
      returnFatalError?(error: Error): void;
      returnBuffers?: boolean;
      stringNumbers?: boolean;
    });
    execute(chunk: Buffer): void;
  }
}
