/** A place in the order of a session's replies. */
export abstract class Slot {
  next: Slot | null = null;
}
