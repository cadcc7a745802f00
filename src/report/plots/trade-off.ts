import * as Plot from "@observablehq/plot";
import type { BenchResult } from "../../bench/types.ts";
import { speedUpOf, systemsOf } from "../comparison.ts";
import { systemTitles, times } from "../figures.ts";
import { below, beside, figure, percentTick, systemColours, timesTick, toPercent } from "./figure.ts";

interface Scored {
  readonly accuracy?: number | undefined;
  readonly agreement: number;
}

/** A system where it was measured, and where its name goes. */
interface Mark {
  readonly title: string;
  readonly colour: string;
  readonly speedUp: number;
  readonly quality: number;
}

const quality = ({ accuracy, agreement }: Scored): number => toPercent(accuracy ?? agreement);

/**
 * Accuracy (agreement, without labels) against speed-up: the twin at every threshold as a line, the rungs that
 * calibration proved as rings, and the measured systems as dots.
 */
export function tradeOffPlot(result: BenchResult, width: number): string {
  const labelled = result.systems.twin!.accuracy !== undefined;
  const marks = systemsOf(result).map(({ name, system }): Mark => {
    const speedUp = speedUpOf(result, system).median;
    return {
      title: `${systemTitles[name]}  ${times(speedUp)}`,
      colour: systemColours[name],
      speedUp,
      quality: quality(system),
    };
  });
  const original = marks[0]!;
  return figure("Accuracy against speed-up of every system, and of the twin at every threshold", {
    width,
    height: 400,
    x: {
      label: "speed-up against the original in float32",
      ...below,
      nice: true,
      tickFormat: timesTick,
      domain: [
        Math.min(0.9, ...marks.map((mark) => mark.speedUp)),
        1.08 * Math.max(...marks.map((mark) => mark.speedUp)),
      ],
    },
    y: {
      label: labelled ? "accuracy" : "agreement with the original",
      ...beside,
      ticks: 6,
      inset: 14,
      tickFormat: percentTick,
    },
    marks: [
      Plot.ruleY([original.quality], { stroke: original.colour, strokeDasharray: "2,4" }),
      ...toleranceMarks(result, original.quality),
      Plot.line(result.curve, {
        x: "speedUp",
        y: quality,
        sort: "speedUp",
        stroke: systemColours.twin,
        strokeWidth: 1.5,
        strokeOpacity: 0.6,
      }),
      Plot.dot(result.ladder, { x: "speedUp", y: quality, r: 3.5, stroke: systemColours.twin, fill: "var(--page)" }),
      Plot.dot(marks, { x: "speedUp", y: "quality", fill: "colour", r: 6, stroke: "var(--page)", strokeWidth: 1.5 }),
      ...nameMarks(marks),
    ],
  });
}

/** The lowest accuracy that the promise allows. */
function toleranceMarks({ guarantee, systems }: BenchResult, original: number): Plot.Markish[] {
  const fits = guarantee !== undefined && (guarantee.kind === "drop") === (systems.twin!.accuracy !== undefined);
  if (!fits) return [];
  const floor = original - toPercent(guarantee.tolerance);
  return [
    Plot.ruleY([floor], { stroke: systemColours.twin, strokeDasharray: "2,4" }),
    Plot.text([floor], {
      y: (y: number) => y,
      frameAnchor: "right",
      dy: 10,
      text: () => "the least that is promised",
      fill: systemColours.twin,
      fontSize: 11,
    }),
  ];
}

/** Names beside the dots: below where a better system is near, else above; flush right where there is no room. */
function nameMarks(marks: readonly Mark[]): Plot.Markish[] {
  const right = Math.max(...marks.map((mark) => mark.speedUp));
  const isBelow = (mark: Mark): boolean =>
    marks.some(({ speedUp, quality }) => quality > mark.quality && Math.abs(speedUp - mark.speedUp) < 0.25 * right);
  return marks.map((mark) =>
    Plot.text([mark], {
      x: "speedUp",
      y: "quality",
      text: "title",
      fill: mark.colour,
      fontWeight: 600,
      dy: isBelow(mark) ? 17 : -15,
      textAnchor: mark.speedUp > 0.7 * right ? "end" : "start",
      stroke: "var(--page)",
      strokeWidth: 4,
    }),
  );
}
