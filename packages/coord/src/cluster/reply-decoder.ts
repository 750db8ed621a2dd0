/**
 * Takes a ForwardResponse apart: what the generated code does, without an object per reply. Replies stay where they
 * are in the message.
 */
// @hot-path
import { emptyBytes } from '@holdfast/common';
import { node, pushTags, responseTags, runReplyTags, WireReader } from '@holdfast/rpc';

/** What `next` found. */
export const found = { end: 0, reply: 1, push: 2, lead: 3, goodbye: 4 } as const;

export class ReplyDecoder {
  bytes: Buffer = emptyBytes;
  /** Of the run that is answered. */
  id = 0;
  count = 0;
  /** Of the replies, or of messages: `bytes[start, start + length)`. */
  start = 0;
  length = 0;
  version = 0;
  undetermined = 0;
  isRefused = false;
  /** The session that was sent messages. */
  session = 0;
  lead: node.Lead = node.Lead.create();
  readonly #reader = new WireReader();
  #at = 0;
  #messageEnd = 0;

  open(message: Buffer): void {
    this.bytes = message;
    this.#at = 0;
    this.#messageEnd = message.length;
  }

  /** Goes on to what comes next: one of `found`. Throws KvError CORRUPT for what is no message. */
  next(): number {
    const reader = this.#reader;
    reader.open(this.bytes, this.#at, this.#messageEnd);
    while (reader.at < this.#messageEnd) {
      const tag = reader.varint();
      if (tag === responseTags.replies) {
        this.#reply(reader.length() + reader.at);
        return found.reply;
      }
      if (tag === responseTags.pushes) {
        this.#push(reader.length() + reader.at);
        return found.push;
      }
      if (tag === responseTags.leads) {
        const end = reader.length() + reader.at;
        this.lead = node.Lead.decode(this.bytes.subarray(reader.at, end));
        this.#at = end;
        return found.lead;
      }
      if (tag === responseTags.goodbye && reader.varint() !== 0) {
        this.#at = reader.at;
        return found.goodbye;
      }
      if (tag !== responseTags.goodbye) reader.skip(tag);
    }
    this.bytes = emptyBytes;
    this.#messageEnd = 0;
    this.#at = 0;
    return found.end;
  }

  #reply(end: number): void {
    const reader = this.#reader;
    reader.end = end;
    this.#at = end;
    this.id = 0;
    this.count = 0;
    this.start = end;
    this.length = 0;
    this.version = 0;
    this.undetermined = 0;
    this.isRefused = false;
    while (reader.at < end) {
      const tag = reader.varint();
      switch (tag) {
        case runReplyTags.id:
          this.id = reader.varint();
          break;
        case runReplyTags.count:
          this.count = reader.varint();
          break;
        case runReplyTags.replies:
          this.length = reader.length();
          this.start = reader.at;
          reader.at += this.length;
          break;
        case runReplyTags.version:
          this.version = reader.varint();
          break;
        case runReplyTags.undetermined:
          this.undetermined = reader.varint();
          break;
        case runReplyTags.refused:
          this.isRefused = reader.varint() !== 0;
          break;
        default:
          reader.skip(tag);
      }
    }
  }

  #push(end: number): void {
    const reader = this.#reader;
    reader.end = end;
    this.#at = end;
    this.session = 0;
    this.start = end;
    this.length = 0;
    while (reader.at < end) {
      const tag = reader.varint();
      if (tag === pushTags.session) this.session = reader.varint();
      else if (tag === pushTags.messages) {
        this.length = reader.length();
        this.start = reader.at;
        reader.at += this.length;
      } else reader.skip(tag);
    }
  }
}
