import * as Plot from "@observablehq/plot";
import { below, beside, figure, percentTick, systemColours, timesTick, toPercent } from "./figure.ts";

/** The twin at one threshold. Shares are 0 to 1. */
interface CurvePoint {
  readonly threshold: number;
  readonly escalationRate: number;
  readonly agreement: number;
  /** With labels only. */
  readonly accuracy?: number | undefined;
  readonly speedUp?: number | undefined;
}

/** What the curves are drawn from: a bench result, or a calibration. */
export interface ThresholdCurve {
  readonly curve: readonly CurvePoint[];
  readonly twin: { readonly confidence: string; readonly threshold?: number | undefined };
}

type Tick = typeof percentTick | typeof timesTick;

/** One quantity over the threshold. */
interface Quantity {
  readonly title: string;
  readonly colour: string;
  readonly of: (point: CurvePoint) => number | undefined;
}

const accuracyOf = ({ accuracy }: CurvePoint): number | undefined => accuracy && toPercent(accuracy);

/** Accuracy of the twin over the threshold; empty without labels. */
export function accuracyPlot(data: ThresholdCurve): string | undefined {
  if (data.curve.every(({ accuracy }) => accuracy === undefined)) return undefined;
  return overThreshold(data, { title: "accuracy", colour: systemColours.twin, of: accuracyOf }, percentTick);
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
  overThreshold(data, { title: "speed-up", colour: systemColours.twin, of: ({ speedUp }) => speedUp }, timesTick);

function overThreshold({ curve, twin }: ThresholdCurve, { title, colour, of }: Quantity, tickFormat: Tick): string {
  const chosen = twin.threshold === undefined ? [] : [twin.threshold];
  return figure(`The twin's ${title} over the threshold`, {
    height: 230,
    x: { label: `threshold on the ${twin.confidence}`, ...below, ticks: 6 },
    y: { label: title, ...beside, nice: true, tickFormat },
    marks: [
      Plot.line([...curve], { x: "threshold", y: of, sort: "threshold", stroke: colour, strokeWidth: 2 }),
      Plot.ruleX(chosen, { stroke: "var(--ink)", strokeDasharray: "3,3" }),
    ],
  });
}
