export { exitCodes } from './exit-codes.js';
export { run } from './program.js';
