import type { CompressResult } from "../compress/index.ts";
import { percent, significant } from "../report/figures.ts";
import { terminalTable } from "../report/index.ts";
import { describePromise } from "../twin/index.ts";
import { calibrationText } from "./calibration-text.ts";

/** What a compression made, for a person. */
export function compressionText(output: string, result: CompressResult): string {
  const { recipe, reason, parts, scores, minutes, calibrated } = result;
  const table = terminalTable({
    headings: ["candidate", "time", "agreement", "accuracy", "escalated", "twin's speed-up"],
    rows: scores.map(({ candidate, time, agreement, accuracy, escalationRate, cost }) => [
      candidate,
      percent(time),
      percent(agreement),
      accuracy === undefined ? "" : percent(accuracy),
      percent(escalationRate),
      significant(1 / cost),
    ]),
  });
  const steps = Object.entries(minutes).map(([step, spent]) => `${step} ${significant(spent)}`);
  return [
    `recipe ${recipe}${reason === undefined ? "" : `: ${reason}`}`,
    `images: ${parts.training} trained, ${parts.selection} selected, ${parts.calibration} calibrated`,
    `on the selection images, an estimate to choose by (time relative to the original's):`,
    table,
    `minutes: ${steps.join(", ")}`,
    calibrationText(calibrated, describePromise(calibrated.calibration.promise)),
    `made ${output}`,
  ].join("\n");
}
