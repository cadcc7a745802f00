import * as Plot from "@observablehq/plot";
import type { BenchResult, SystemName } from "../../bench/types.ts";
import { speedUpOf, systemsOf } from "../comparison.ts";
import { systemTitles } from "../figures.ts";
import { below, beside, figure, percentTick, systemColours, timesTick } from "./figure.ts";

/** Speed-up of each system in each round: how far the figures can be trusted. */
export function roundsPlot(result: BenchResult): string {
  const dots = systemsOf(result).flatMap(({ name, system }) =>
    speedUpOf(result, system).samples.map((speedUp, round) => ({ name, round: round + 1, speedUp })),
  );
  return figure("Speed-up of each system in each round", {
    height: 250,
    x: { label: "round", ...below, type: "point", padding: 0.3 },
    y: {
      label: "speed-up",
      ...beside,
      zero: true,
      nice: true,
      tickFormat: timesTick,
    },
    color: { domain: Object.keys(systemTitles), range: Object.values(systemColours) },
    marks: [
      Plot.line(dots, { x: "round", y: "speedUp", z: "name", stroke: "name", strokeOpacity: 0.4 }),
      Plot.dot(dots, { x: "round", y: "speedUp", fill: "name", r: 4, stroke: "var(--page)" }),
    ],
  });
}

/** Share of single-stream images answered within a time. */
export function latencyPlot(result: BenchResult): string | undefined {
  const steps = systemsOf(result).flatMap(({ name, system }) => stepsOf(name, system.latencyMs?.samples.flat() ?? []));
  if (steps.length === 0) return undefined;
  return figure("Share of images answered within a time, one image at a time", {
    height: 250,
    x: {
      label: "milliseconds to the answer",
      ...below,
      type: "log",
      ticks: 5,
      tickFormat: (value: number) => `${value}`,
    },
    y: { label: "answered", ...beside, tickFormat: percentTick },
    color: { domain: Object.keys(systemTitles), range: Object.values(systemColours) },
    marks: [
      Plot.line(steps, {
        x: "milliseconds",
        y: "share",
        z: "name",
        stroke: "name",
        strokeWidth: 2,
        curve: "step-after",
      }),
    ],
  });
}

/** A hundred and one quantiles of the latencies. */
function stepsOf(
  name: SystemName,
  latencies: readonly number[],
): { name: SystemName; share: number; milliseconds: number }[] {
  if (latencies.length === 0) return [];
  const sorted = latencies.toSorted((a, b) => a - b);
  return Array.from({ length: 101 }, (_, share) => ({
    name,
    share,
    milliseconds: sorted[Math.round((share / 100) * (sorted.length - 1))]!,
  }));
}
