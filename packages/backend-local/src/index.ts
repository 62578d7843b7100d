export { createLocalBackend, type LocalBackendOptions } from "./local-backend.ts";
export { LEFTOVER_AGE_MS, type RemoveLeftoversOptions, removeLeftovers } from "./remove-leftovers.ts";
