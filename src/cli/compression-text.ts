import type { CompressResult } from "../compress/index.ts";
import { candidatesTable } from "../report/candidates.ts";
import { notableMinutes } from "../report/figures.ts";
import { terminalTable } from "../report/tables.ts";
import { calibrationText } from "./calibration-text.ts";

/** What a compression made, for a person. */
export function compressionText(output: string, result: CompressResult): string {
  const { recipe, reason, missed, parts, scores, chosen, minutes, calibrated } = result;
  const steps = notableMinutes(minutes).map(([step, spent]) => `${step} ${spent.toFixed(2)}`);
  return [
    `recipe ${recipe}${reason === undefined ? "" : `: ${reason}`}`,
    `images: ${parts.training} trained, ${parts.selection} selected, ${parts.calibration} calibrated`,
    `on the selection images, an estimate to choose by (time relative to the original's):`,
    terminalTable(candidatesTable(scores)),
    `taken: ${chosen}${missed === undefined ? "" : `; target missed: ${missed}`}`,
    `minutes: ${steps.join(", ")}`,
    calibrationText(calibrated),
    `made ${output}`,
  ].join("\n");
}
