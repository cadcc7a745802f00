import * as Plot from "@observablehq/plot";
import type { ClassResult, SystemName } from "../../bench/types.ts";
import { below, figure, percentTick, systemColours, toPercent } from "./figure.ts";

/** Classes shown at most. */
export const classesShown = 15;

const quality = ({ accuracy, agreement }: ClassResult): number => accuracy?.twin ?? agreement;

/** The classes that fare worst: by the twin's accuracy, or its agreement where there are no labels. */
export function worstClasses(classes: readonly ClassResult[]): ClassResult[] {
  return classes
    .filter(({ images }) => images > 0)
    .sort((a, b) => quality(a) - quality(b))
    .slice(0, classesShown);
}

/** A system's accuracy, or the twin's agreement, on one class. */
interface Dot {
  readonly label: string;
  readonly colour: string;
  readonly value: number;
}

/** Accuracy of original, compressed network and twin on the worst classes; agreement where there are no labels. */
export function classesPlot(classes: readonly ClassResult[]): string {
  const worst = worstClasses(classes);
  const dots = worst.flatMap(dotsOf);
  const labels = worst.map(({ label }) => label);
  const labelled = worst.some(({ accuracy }) => accuracy !== undefined);
  const longest = Math.max(...labels.map((label) => label.length));
  return figure("Accuracy on the worst classes", {
    height: 60 + 24 * labels.length,
    marginLeft: Math.min(190, 24 + 7 * longest),
    marginTop: 8,
    x: {
      label: labelled ? "accuracy" : "agreement with the original",
      ...below,
      grid: true,
      nice: true,
      ticks: 5,
      tickFormat: percentTick,
    },
    y: { label: null, domain: labels, tickSize: 0, tickFormat: shorten },
    marks: [
      Plot.ruleY(
        dots,
        Plot.groupY(
          { x1: "min", x2: "max" },
          { x1: "value", x2: "value", y: "label", stroke: "var(--rule)", strokeWidth: 2 },
        ),
      ),
      Plot.dot(dots, { x: "value", y: "label", fill: "colour", r: 5, stroke: "var(--page)" }),
    ],
  });
}

function dotsOf({ label, accuracy, agreement }: ClassResult): Dot[] {
  const dot = (system: SystemName, value: number): Dot => ({
    label,
    colour: systemColours[system],
    value: toPercent(value),
  });
  if (accuracy === undefined) return [dot("twin", agreement)];
  return [
    dot("original-float32", accuracy.original),
    dot("compressed", accuracy.compressed),
    dot("twin", accuracy.twin),
  ];
}

const shorten = (label: string): string => (label.length > 24 ? `${label.slice(0, 23)}…` : label);
