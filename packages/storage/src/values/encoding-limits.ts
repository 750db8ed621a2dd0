/**
 * Up to where collections are packed in one block instead of a table: the `*-max-*` parameters of the
 * same names, which the engine writes here when they change. Limits are looked at when a collection
 * grows, so that a change has no effect on those that stay as they are.
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
};
