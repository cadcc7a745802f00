import type { CompressResult } from "../../compress/index.ts";
import { notableMinutes, whole } from "../figures.ts";
import { html, type Markup } from "../markup.ts";
import { tableOf, termsOf } from "./parts.ts";

/** By which recipe a twin was made, from what, and what each step took. */
export function how({ recipe, source, reason, missed, parts, minutes, calibrated }: CompressResult): Markup {
  const { original } = calibrated.manifest.networks;
  const images = Object.entries(parts).map(([part, count]) => `${whole(count)} ${part}`);
  const total = Object.values(minutes).reduce((sum, spent) => sum + spent, 0);
  const rows = [...notableMinutes(minutes), ["all", total] as const].map(([step, spent]) => [step, spent.toFixed(2)]);
  return html`<section>
<h2>How it was made</h2>
${termsOf([
  ["recipe", `${recipe} (${source})`],
  ["because", reason],
  ["target missed", missed],
  ["images", images.join(", ")],
  ["original", `${original.file}, ${original.sha256}`],
])}
${tableOf({ headings: ["step", "minutes"], rows })}
</section>`;
}
