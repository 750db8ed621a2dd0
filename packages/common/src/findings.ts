/** What a check of stored data finds, told as it is found, and how far the check is. */
export interface Findings {
  /** Something is lost or wrong. `place` says where: a file and an offset, or a key. */
  damage(place: string, what: string): void;
  /** Worth knowing, and no damage. */
  note(place: string, what: string): void;
  /** So many more bytes of the disk were looked at. */
  passed(bytes: number): void;
}
