/** Done, and all is equal. */
export const EXIT_OK = 0;
/** Done as far as possible: files differ, failed, or cannot be proven. */
export const EXIT_INCOMPLETE = 1;
/** Wrong usage or configuration: nothing was begun. */
export const EXIT_USAGE = 2;
/** Ended by Ctrl-C. */
export const EXIT_INTERRUPTED = 130;
