import { Reply } from '@holdfast/common';

/** Takes a reply and forgets it: CLIENT REPLY OFF, and commands that the server runs for itself. */
export class DiscardReply extends Reply {
  dialect: 2 | 3 = 2;
  simple(): void {}
  ok(): void {}
  error(message: string): void {
    this.failed = true;
    this.lastError = message;
  }
  integer(): void {}
  bigInteger(): void {}
  double(): void {}
  bulk(): void {}
  byteString(): void {}
  text(): void {}
  null(): void {}
  nullArray(): void {}
  array(): void {}
  map(): void {}
  set(): void {}
  push(): void {}
  boolean(): void {}
  bigNumber(): void {}
  verbatim(): void {}
}
