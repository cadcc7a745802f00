import * as Plot from "@observablehq/plot";
import type { BenchResult } from "../../bench/types.ts";
import { below, beside, figure, systemColours, toPercent } from "./figure.ts";

type Reliability = NonNullable<BenchResult["reliability"]>;

/**
 * How often the compressed network is right when it says that it is this sure; on the diagonal it is as sure as it may
 * be. Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017.
 */
export function reliabilityPlot({ bins, against }: Reliability): string {
  const filled = bins.filter(({ images }) => images > 0);
  return figure("How often the compressed network is right, over its probability", {
    height: 380,
    x: {
      label: "probability that the compressed network gives its answer",
      ...below,
      domain: [0, 100],
      ticks: 5,
    },
    y: {
      label: against === "label" ? "answers that are right (%)" : "answers that are the original's (%)",
      ...beside,
      domain: [0, 100],
    },
    marks: [
      Plot.rect(filled, {
        x1: ({ low }: Bin) => toPercent(low),
        x2: ({ high }: Bin) => toPercent(high),
        y1: 0,
        y2: ({ right }: Bin) => toPercent(right),
        fill: systemColours.compressed,
        fillOpacity: 0.45,
        inset: 0.5,
      }),
      Plot.line(
        [
          [0, 0],
          [100, 100],
        ],
        { stroke: "var(--ink)", strokeDasharray: "3,4", strokeOpacity: 0.6 },
      ),
      Plot.dot(filled, {
        x: ({ probability }: Bin) => toPercent(probability),
        y: ({ right }: Bin) => toPercent(right),
        r: ({ images }: Bin) => images,
        fill: systemColours.compressed,
        stroke: "var(--page)",
      }),
    ],
    r: { range: [2, 12] },
  });
}

type Bin = Reliability["bins"][number];
