import type { TrainingCurve } from "../../compress/index.ts";
import { html, type Markup } from "../markup.ts";
import { systemColours } from "../plots/figure.ts";
import { lossPlot, worthPlot } from "../plots/training.ts";
import { figureOf, legend } from "./parts.ts";

/** How the networks learnt; nothing where none was trained. */
export function trainings(curves: readonly TrainingCurve[]): Markup | undefined {
  if (curves.length === 0) return undefined;
  return html`<section>
<h2>Training</h2>
${curves.map(training)}
</section>`;
}

function training(curve: TrainingCurve): Markup {
  const worth = worthPlot(curve);
  const losses = "The loss on training images, means of a few steps.";
  const judged = "On selection images, of the averaged weights.";
  const lines = [
    ["agreement with the original", systemColours["original-float32"]],
    ["accuracy", systemColours.compressed],
  ] as const;
  const shown = lines.filter((_, place) => place === 0 || curve.points.some(({ accuracy }) => accuracy !== undefined));
  return html`<h3>${curve.network}</h3>
<div class="pair">
${figureOf(lossPlot(curve), losses)}
${worth && html`<div>${figureOf(worth, judged)}${legend(shown)}</div>`}
</div>`;
}
