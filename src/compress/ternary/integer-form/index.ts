export { integerFormFiles, readIntegerForm, writeIntegerForm } from "./files.ts";
export { integerForm } from "./make.ts";
export { runIntegerForm } from "./run.ts";
export type { CodedValue, IntegerForm } from "./types.ts";
