export { calibrationReport } from "./calibration.ts";
export { compressionReport } from "./compression.ts";
export { metric, percent, points, significant, times, whole } from "./figures.ts";
export { htmlReport } from "./html.ts";
export { markdownTable, resultText, terminalTable } from "./tables.ts";
