export { createLocalBackend, type LocalBackendOptions } from "./local-backend.ts";
export { type RemoveLeftoversOptions, removeLeftovers } from "./remove-leftovers.ts";
