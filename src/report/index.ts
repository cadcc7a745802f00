export { markdownTable, resultText } from "./tables.ts";
