import * as Plot from "@observablehq/plot";
import type { TrainingCurve } from "../../compress/index.ts";
import { below, beside, figure, percentTick, systemColours, toPercent } from "./figure.ts";

/** The loss of a training, step by step. */
export function lossPlot({ network, points }: TrainingCurve): string {
  const losses = points.filter(({ loss }) => loss !== undefined);
  return figure(`The loss of ${network} in training`, {
    height: 230,
    x: { label: "steps", ...below, ticks: 6 },
    y: { label: "loss", ...beside, nice: true },
    marks: [Plot.line(losses, { x: "step", y: "loss", stroke: systemColours.compressed, strokeWidth: 1.5 })],
  });
}

/** What a network was worth on selection images in the course of its training; undefined where nobody looked. */
export function worthPlot({ network, points }: TrainingCurve): string | undefined {
  const judged = points.filter(({ agreement }) => agreement !== undefined);
  if (judged.length === 0) return undefined;
  const lines = [
    { of: "agreement", colour: systemColours["original-float32"] },
    { of: "accuracy", colour: systemColours.compressed },
  ] as const;
  const known = lines.filter(({ of }) => judged.some((point) => point[of] !== undefined));
  return figure(`The ${known.map(({ of }) => of).join(" and ")} of ${network} in training`, {
    height: 230,
    x: { label: "steps", ...below, ticks: 6 },
    y: { label: known.map(({ of }) => of).join(", "), ...beside, nice: true, tickFormat: percentTick },
    marks: known.map(({ of, colour }) =>
      Plot.line(judged, {
        x: "step",
        y: (point) => toPercent(point[of] ?? Number.NaN),
        stroke: colour,
        strokeWidth: 2,
        marker: "dot",
      }),
    ),
  });
}
