/** What a protocol reads of the server's parameters, by Redis' names. */
export interface Settings {
  number(name: string): number;
  text(name: string): string;
  /** Calls `listener` with the value now and after each change. */
  onChange(name: string, listener: (value: string) => void): void;
}
