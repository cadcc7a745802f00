import { styleText } from "node:util";
import { percent, points } from "../report/figures.ts";
import { type CalibrateResult, describePromise, type Standing } from "../twin/index.ts";

/** What a calibration found, for a person. */
export function calibrationText({ manifest, calibration, cost, labelled, repeated }: CalibrateResult): string {
  const { chosen, images, promise, worstClass } = calibration;
  const proven =
    promise.kind === "drop"
      ? `a drop of ${inPoints(chosen.bound)} at most`
      : `an agreement of ${percent(1 - chosen.bound, 2)} at least`;
  const lines = [
    `${styleText("bold", `Promised: ${describePromise({ ...promise, worstClass })}`)}, for new images like these ${images}.`,
    `threshold ${manifest.threshold!.toPrecision(4)} on ${calibration.confidence.measure}; escalates ${percent(chosen.escalationRate)}`,
    `on the calibration images: agreement ${percent(chosen.agreement, 2)}${dropText(chosen.drop)}; proven: ${proven}`,
    `estimated speed-up ${(1 / cost).toFixed(1)} with second stage ${manifest.secondStage}`,
  ];
  if (cost >= 1)
    lines.push("That is no faster than the original alone: promise less, or pair another compressed network.");
  if (repeated > 0) lines.push(`Of images that repeat each other one counts: ${repeated} are left out.`);
  if (!labelled) lines.push("The images have no labels: only agreement with the original can be promised.");
  return lines.join("\n");
}

/** What to think of images that look learned. */
export const learnedText = ({ accuracy, probability }: Standing): string =>
  `the original is right on ${percent(accuracy)} of the calibration images and says ${percent(probability)} itself; on new images networks are surer than right. If it was trained on these, calibrate on new ones, or the promise is worth nothing`;

const dropText = (drop: number | undefined): string => (drop === undefined ? "" : `, drop ${inPoints(drop)}`);

const inPoints = (drop: number): string => `${points(drop)} points`;
