import * as Plot from "@observablehq/plot";
import type { BenchResult, CurvePoint } from "../../bench/types.ts";
import { figure, percentTick, systemColours, toPercent } from "./figure.ts";

/** What the curves are drawn from: a bench result, or a calibration. */
export interface ThresholdCurve {
  readonly curve: readonly CurvePoint[];
  readonly twin: Pick<BenchResult["twin"], "confidence" | "threshold">;
}

/** One quantity over the threshold. */
interface Quantity {
  readonly title: string;
  readonly colour: string;
  readonly of: (point: CurvePoint) => number | undefined;
}

/** Accuracy of the twin over the threshold; empty without labels. */
export function accuracyPlot(data: ThresholdCurve): string | undefined {
  if (data.curve.every(({ accuracy }) => accuracy === undefined)) return undefined;
  const accuracy = ({ accuracy }: CurvePoint) => accuracy && toPercent(accuracy);
  return overThreshold(data, { title: "accuracy", colour: systemColours.twin, of: accuracy }, percentTick);
}

/** Share of the images that get the original's answer, over the threshold. */
export const agreementPlot = (data: ThresholdCurve): string =>
  overThreshold(
    data,
    { title: "agreement with the original", colour: systemColours.twin, of: ({ agreement }) => toPercent(agreement) },
    percentTick,
  );

/** Share of the images that are escalated, over the threshold. */
export const escalationPlot = (data: ThresholdCurve): string =>
  overThreshold(
    data,
    {
      title: "escalated",
      colour: systemColours["original-float32"],
      of: ({ escalationRate }) => toPercent(escalationRate),
    },
    percentTick,
  );

/** Speed-up over the threshold, estimated from the networks' measured speeds. */
export const speedUpPlot = (data: ThresholdCurve): string =>
  overThreshold(
    data,
    { title: "speed-up", colour: systemColours.twin, of: ({ speedUp }) => speedUp },
    (value) => `${value}×`,
  );

function overThreshold(
  { curve, twin }: ThresholdCurve,
  { title, colour, of }: Quantity,
  tickFormat: (value: number) => string,
): string {
  const chosen = twin.threshold === undefined ? [] : [twin.threshold];
  return figure(`The twin's ${title} over the threshold`, {
    height: 230,
    marginLeft: 64,
    marginBottom: 44,
    x: { label: `threshold on the ${twin.confidence}`, labelAnchor: "center", labelArrow: "none", ticks: 6 },
    y: { label: title, labelArrow: "none", grid: true, nice: true, ticks: 5, tickFormat },
    marks: [
      Plot.line([...curve], { x: "threshold", y: of, sort: "threshold", stroke: colour, strokeWidth: 2 }),
      Plot.ruleX(chosen, { stroke: "var(--ink)", strokeDasharray: "3,3" }),
      Plot.text(chosen, {
        x: (x: number) => x,
        frameAnchor: "top",
        text: () => "chosen",
        dx: 6,
        textAnchor: "start",
        fontSize: 11,
      }),
    ],
  });
}
