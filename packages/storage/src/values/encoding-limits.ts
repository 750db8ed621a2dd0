/**
 * Up to where collections are packed in one block instead of a table, or in one node of several: the
 * `*-max-*` parameters of the same names, which the engine writes here when they change. Limits are looked
 * at when a collection grows, so that a change has no effect on those that stay as they are.
 */
export interface EncodingLimits {
  hashListpackEntries: number;
  hashListpackValue: number;
  setIntsetEntries: number;
  setListpackEntries: number;
  setListpackValue: number;
  zsetListpackEntries: number;
  zsetListpackValue: number;
  /** Elements of a node when positive, a size class from -1 (4 KiB) to -5 (64 KiB) when negative. */
  listListpackSize: number;
  /** Bytes of a stream's node, as a listpack; 0 for no limit. */
  streamNodeBytes: number;
  /** Entries of a stream's node, deleted ones too; 0 for no limit. */
  streamNodeEntries: number;
}

export const encodingLimits: EncodingLimits = {
  hashListpackEntries: 512,
  hashListpackValue: 64,
  setIntsetEntries: 512,
  setListpackEntries: 128,
  setListpackValue: 64,
  zsetListpackEntries: 128,
  zsetListpackValue: 64,
  listListpackSize: -2,
  streamNodeBytes: 4096,
  streamNodeEntries: 100,
};
