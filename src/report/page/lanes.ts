import type { BenchResult } from "../../bench/types.ts";
import { html, type Markup } from "../markup.ts";
import { networkColours } from "../plots/figure.ts";
import { timelinePlot } from "../plots/timeline.ts";
import { figureOf, legend } from "./parts.ts";

/** What the lanes did. */
export function lanes({ timeline }: BenchResult): Markup | undefined {
  if (timeline.length === 0) return undefined;
  const ran = new Set(timeline.map(({ network }) => network));
  const entries = Object.entries(networkColours).filter(([network]) => [...ran].some((name) => name === network));
  return html`<section>
<h2>The lanes at work</h2>
${legend(entries)}
${figureOf(timelinePlot(timeline), "An excerpt of the twin's offline run: a bar is a batch, a gap is idle time.", { scroll: true })}
</section>`;
}
