/** Limits of the administration. */

/** Calls at a time on one connection. */
export const streamsMax = 100;

/** How long calls may take to end when the server closes, in ms. */
export const closingMs = 1000;
