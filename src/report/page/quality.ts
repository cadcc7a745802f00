import type { BenchResult } from "../../bench/types.ts";
import { percent, systemTitles } from "../figures.ts";
import { html, type Markup, trusted } from "../markup.ts";
import { classesPlot, classesShown } from "../plots/classes.ts";
import { full, narrow, systemColours } from "../plots/figure.ts";
import { reliabilityPlot } from "../plots/reliability.ts";
import { accuracyPlot, agreementPlot, escalationPlot, speedUpPlot, type ThresholdCurve } from "../plots/thresholds.ts";
import { tradeOffPlot } from "../plots/trade-off.ts";
import { figureOf, legend } from "./parts.ts";

/** Accuracy against speed-up. */
export function tradeOff(result: BenchResult): Markup {
  const caption =
    "Right is faster, up is better. Dots: measured systems. Line: the twin at every threshold, its speed estimated from " +
    "those of its networks. Rings: rungs that calibration proved.";
  return html`<section>
<h2>What speed costs</h2>
${figureOf(tradeOffPlot(result, full), caption, { narrow: tradeOffPlot(result, narrow) })}
</section>`;
}

/** Everything over the threshold. */
export function thresholds(result: ThresholdCurve): Markup | undefined {
  if (result.curve.length === 0) return undefined;
  const plots = [accuracyPlot(result), agreementPlot(result), escalationPlot(result), speedUpPlot(result)];
  return html`<section>
<h2>The threshold</h2>
<p>Answers of the compressed network with a ${result.twin.confidence} of at least the threshold stand; the other images are escalated.
A higher threshold is slower, and nearer to the original. The dashed line is the one chosen.</p>
<div class="pair">${plots.map((plot) => plot && html`<figure>${trusted(plot)}</figure>`)}</div>
</section>`;
}

/** Whether the compressed network knows how sure it is, and which classes fare worst. */
export function trust(result: BenchResult): Markup {
  return html`<section>
<h2>Where it fails</h2>
<div class="pair">${classes(result)}${reliability(result)}</div>
</section>`;
}

function classes({ classes }: BenchResult): Markup | undefined {
  if (classes.length === 0) return undefined;
  const labelled = classes.some(({ accuracy }) => accuracy !== undefined);
  const systems = labelled ? (["original-float32", "compressed", "twin"] as const) : (["twin"] as const);
  const shown = Math.min(classesShown, classes.length);
  const caption = `The ${shown} worst of ${classes.length} classes, the twin's worst first.`;
  return html`<div>
${figureOf(classesPlot(classes), caption, { title: "Worst classes" })}
${legend(systems.map((name) => [systemTitles[name], systemColours[name]]))}
</div>`;
}

function reliability({ reliability }: BenchResult): Markup | undefined {
  if (reliability === undefined) return undefined;
  const caption =
    "Below the diagonal the compressed network is surer than it may be. Larger dots stand for more images. " +
    `Expected calibration error: ${percent(reliability.expectedCalibrationError)}.`;
  return figureOf(reliabilityPlot(reliability), caption, { title: "Reliability of the compressed network" });
}
