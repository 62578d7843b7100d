/** `@parquetry/ui`: the page of `parquetry ui`, as a library. */
export { type StartUiOptions, startUi, type Ui } from "./start-ui.ts";
