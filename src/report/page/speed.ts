import type { BenchResult } from "../../bench/types.ts";
import { latencyTable, systemsOf, throughputTable } from "../comparison.ts";
import { systemTitles, whole } from "../figures.ts";
import { html, type Markup } from "../markup.ts";
import { systemColours } from "../plots/figure.ts";
import { latencyPlot, roundsPlot } from "../plots/rounds.ts";
import { figureOf, legend, tableOf } from "./parts.ts";

const legendOf = (result: BenchResult): Markup =>
  legend(systemsOf(result).map(({ name }) => [systemTitles[name], systemColours[name]]));

/** The tables of all systems. */
export function comparison(result: BenchResult): Markup {
  const looks = systemsOf(result).map(({ name }) => ({ name, colour: systemColours[name] }));
  const latencies = latencyTable(result);
  return html`<section>
<h2>Side by side</h2>
<p>Each system at its best setting on the same cores, measured in turn over ${result.rounds.length} rounds, on ${whole(result.images)} images: ${result.split.source}.
Figures are medians; speed-ups are taken round by round.</p>
${tableOf(throughputTable(result), looks)}
${latencies.headings.length > 1 ? tableOf(latencies, looks) : undefined}
</section>`;
}

/** How far the figures can be trusted, and how long one waits. */
export function spread(result: BenchResult): Markup {
  const latencies = latencyPlot(result);
  return html`<section>
<h2>Every round, every wait</h2>
${legendOf(result)}
<div class="pair">
${figureOf(roundsPlot(result), "Speed-up against the original in float32 of the same round. Flat lines: a quiet machine.", { title: "Round by round" })}
${latencies && figureOf(latencies, "One image at a time. The twin has two kinds of wait: its own answers, and escalations.", { title: "Waiting for one answer" })}
</div>
</section>`;
}
