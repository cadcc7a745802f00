import type { CompressResult } from "../compress/index.ts";
import { candidatesTable } from "./candidates.ts";
import { significant, whole } from "./figures.ts";
import { html } from "./markup.ts";
import { documentOf } from "./page/document.ts";
import { tableOf, termsOf } from "./page/parts.ts";
import { calibratedThresholds, promisedLead } from "./page/promised.ts";

/** One HTML file that shows a compression: the promise, the networks tried, the twin over the threshold, the time it took. */
export function compressionReport(name: string, result: CompressResult): string {
  const { recipe, reason, parts, scores, minutes, calibrated } = result;
  const { original } = calibrated.manifest.networks;
  const body = html`<section>
<h2>Networks tried</h2>
<p>On the selection images, cheapest twin first: what each network is alone, and the twin that it would make with the original in float32.</p>
${tableOf(candidatesTable(scores))}
</section>
${calibratedThresholds(calibrated)}
<section>
<h2>How it was made</h2>
${termsOf([
  ["recipe", recipe],
  ["because", reason],
  [
    "images",
    Object.entries(parts)
      .map(([part, count]) => `${whole(count)} ${part}`)
      .join(", "),
  ],
  ["original", `${original.file}, ${original.sha256}`],
])}
${tableOf({ headings: ["step", "minutes"], rows: Object.entries(minutes).map(([step, spent]) => [step, significant(spent)]) })}
</section>`;
  return documentOf({ name, tool: "twindnn compress", lead: promisedLead(calibrated) }, body);
}
