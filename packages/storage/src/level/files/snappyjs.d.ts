declare module 'snappyjs' {
  export function uncompress(compressed: Uint8Array, lengthMax?: number): Uint8Array;
}
