import type { CalibrateResult } from "../twin/index.ts";
import { documentOf } from "./page/document.ts";
import { calibratedThresholds, promisedLead } from "./page/promised.ts";

/** One HTML file that shows a calibration: the promise, and accuracy, agreement, escalation and speed over the threshold. */
export const calibrationReport = (name: string, result: CalibrateResult): string =>
  documentOf({ name, tool: "twindnn calibration", lead: promisedLead(result) }, calibratedThresholds(result));
