/** The kinds of values that many parameters share, with Redis' limits. */
export const int32 = { type: 'integer', min: 0, max: 2147483647 } as const;
export const int64 = { type: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER } as const;
export const port = { type: 'integer', min: 0, max: 65535 } as const;
export const memory = { type: 'memory', min: 0, max: Number.MAX_SAFE_INTEGER } as const;
export const flag = { type: 'flag' } as const;
export const text = { type: 'text' } as const;

export function between(min: number, max: number) {
  return { type: 'integer', min, max } as const;
}

export function oneWordOf(...words: string[]) {
  return { type: 'word', words } as const;
}

export function by(normalize: (value: string, current: string) => string) {
  return { type: 'custom', normalize } as const;
}
