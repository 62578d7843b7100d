/** `@parquetry/ui`: the page of `parquetry ui`, as a library. */

export type { ComparedFile, Comparison } from "./comparison.ts";
export type { QueryRequests, RequestPrice } from "./price.ts";
export type { RunStatus } from "./run-status.ts";
export type { StartUiOptions } from "./start-options.ts";
export { startUi, type Ui } from "./start-ui.ts";
